import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openGrammars } from '../../../language-server/completion/syntax/grammars';
import { hiddenCharacter } from '../../../language-server/protocol/hidden-characters';
import { fasterThanLinear } from './regex-attacks';

// Every regular expression of the product and its laboratory, not only those that are known to meet a stranger's text: none
// may take steps out of proportion to the length of what it reads.

const root = path.join(import.meta.dirname, '..', '..', '..');
/** Patterns that are put together while running, with one of them. */
const composed: ReadonlyMap<string, RegExp> = new Map([
  ['language-server/protocol/hidden-characters.ts', hiddenCharacter],
  ['bench/cross-file/cases.ts', /(?<![\w$])name(?![\w$])/],
  ['media/chat/answer-view.ts', /^(?: {0,3}\t| ){0,8}/],
]);

interface Literal {
  readonly file: string;
  readonly text: string;
  readonly expression: RegExp;
}

const literals: Literal[] = [];
const composing = new Set<string>();

beforeAll(async () => {
  const parser = await (await openGrammars())?.parser('typescript');
  for (const folder of ['language-server', 'extension', 'media', 'bench']) {
    for (const name of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) {
        continue;
      }
      const file = `${folder}/${name.replaceAll(path.sep, '/')}`;
      const tree = parser?.parse(readFileSync(path.join(root, file), 'utf8'));
      for (const node of tree?.rootNode.descendantsOfType('regex') ?? []) {
        const source = node?.childForFieldName('pattern')?.text;
        if (source !== undefined) {
          const flags = node?.childForFieldName('flags')?.text ?? '';
          literals.push({ file, text: `/${source}/${flags}`, expression: new RegExp(source, flags) });
        }
      }
      const made = tree?.rootNode.descendantsOfType(['new_expression', 'call_expression']) ?? [];
      if (made.some((node) => /^(?:new\s+)?RegExp\b/.test(node?.text ?? ''))) {
        composing.add(file);
      }
    }
  }
});

test('all regular expressions of the sources are found', () => {
  expect(literals.length).toBeGreaterThan(350);
  expect([...composing].sort()).toEqual([...composed.keys()].sort());
});

test('no regular expression takes more than linear time', { timeout: 240_000 }, () => {
  const judged = new Map<string, string>();
  const all = [
    ...literals,
    ...[...composed].map(([file, expression]) => ({ file, text: `${expression}`, expression })),
  ];
  for (const { file, text, expression } of all) {
    if (!judged.has(text)) {
      const growth = fasterThanLinear(expression);
      judged.set(text, growth === undefined ? '' : `${file}: ${text} on ${JSON.stringify(growth)}`);
    }
  }
  expect([...judged.values()].filter((problem) => problem !== '')).toEqual([]);
});

describe('the checker', () => {
  test.each<[string, RegExp]>([
    ['blanks from each of them', /\s+$/],
    ['blanks twice', /^import\s*\(?\s*'/],
    ['dots twice', /^from[ \t]+(\.*[\w.]*)[ \t]+import/m],
    ['all ways to split a run', /(?:\s*[-+*/]+\s*)+$/],
    ['the rest of the line from each of its words', /TODO.*done$/],
    ['all from each opening', /<!--[\s\S]*-->/],
    ['each mark and what follows', /\b.*:\s*(?:#.*)?$/],
    ['a group many times', /^(?:a|a)*$/],
    ['a group of itself', /^(?:\w+\s?)*$/],
    ['what it took before', /(a+)b\1c/],
  ])('reports a pattern that takes %s', (_name, pattern) => {
    expect(fasterThanLinear(pattern)).toBeDefined();
  });

  test.each<[string, RegExp]>([
    ['each run once', /(?<!\s)\s+$/],
    ['what cannot be split', /^(?:\w+\s)*$/],
    ['what is bounded', /["“]([^"”\n]{1,60})["”]/g],
    ['the start', /^\s*(?:#[\s\S]*)?/],
  ])('accepts a pattern that takes %s', (_name, pattern) => {
    expect(fasterThanLinear(pattern)).toBeUndefined();
  });
});
