/**
 * Text of a model in, what is inserted out, through the whole of the generator. Files of test/fixtures/completions/ hold
 * cases: the document with ‸ for the cursor, what the model says, and the document after accepting, with ⟦ ⟧ around what
 * was inserted and ⟨ ⟩ around what it took the place of. UPDATE_GOLDEN=1 writes the results: read them before keeping them.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CompletionGenerator } from '../../../language-server/completion/completion-generator';
import { Syntax } from '../../../language-server/completion/syntax/syntax';
import { FakeEngine } from '../../server/tools/fake-engine';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const folder = path.join(root, 'test', 'fixtures', 'completions');
process.env['FASA_SYNTAX'] = path.join(root, 'dist', 'syntax');

interface Case {
  readonly name: string;
  readonly flags: readonly string[];
  readonly document: string;
  readonly model: string;
  readonly result: string;
}

function parse(text: string): Case[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [head = '', ...body] = part.split('\n');
      const [, name = '', flags = ''] = /^(.*?)(?: \{(.*)\})?$/.exec(head) ?? [];
      const [document = '', model = '', result = ''] = body.join('\n').split(/^--- (?:model|result)\n/m);
      const trimmed = (value: string) => value.replace(/\n$/, '');
      return {
        name,
        flags: flags.split(' ').filter((flag) => flag !== ''),
        document: trimmed(document),
        model: trimmed(model),
        result: trimmed(result),
      };
    });
}

function written({ name, flags, document, model }: Case, result: string): string {
  const head = flags.length === 0 ? name : `${name} {${flags.join(' ')}}`;
  return `=== ${head}\n${document}\n--- model\n${model}\n--- result\n${result}\n`;
}

const syntax = new Syntax({ loadLimitMs: 30_000, parseLimitMs: 10_000 });
const generators = new Map<string, CompletionGenerator>();

async function resultOf({ document, model, flags, name }: Case, languageId: string): Promise<string> {
  const fillInTheMiddle = flags.includes('fim');
  const cut = flags.find((flag) => flag.startsWith('cut='));
  const engine = new FakeEngine({ fillInTheMiddle, answers: [{ when: '', text: model }], contextTokens: 65_536 });
  const whole = flags.includes('crlf') ? document.replaceAll('\n', '\r\n') : document;
  const offset = whole.indexOf('‸');
  const text = whole.replace('‸', '');
  const generator = generators.get(languageId) ?? new CompletionGenerator(syntax);
  generators.set(languageId, generator);
  const maxTokens = cut === undefined ? 4096 : Number(cut.slice(4));
  const outcome = await generator.generate(engine, {
    uri: `file:///${name}`,
    path: 'file',
    text,
    offset,
    languageId,
    settings: { maxTokens, tailTokens: 32_768 },
    timeBudgetMs: 0,
    signal: new AbortController().signal,
    chunksFor: () => [],
  });
  if (outcome.text === '') {
    return '(nothing)';
  }
  const replaced = text.slice(offset, offset + outcome.replace);
  const rest = text.slice(offset + outcome.replace);
  const mark = replaced === '' ? '' : `⟨${replaced}⟩`;
  const all = `${text.slice(0, offset)}⟦${outcome.text}⟧${mark}${rest}`;
  if (flags.includes('crlf')) {
    expect(all).not.toMatch(/[^\r]\n|\r[^\n]/);
  }
  return all.replaceAll('\r\n', '\n');
}

const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

describe.each(files)('%s', (file) => {
  const languageId = path.basename(file, '.txt');
  const cases = parse(readFileSync(path.join(folder, file), 'utf8'));

  if (process.env['UPDATE_GOLDEN'] === '1') {
    test('is written', async () => {
      const parts: string[] = [];
      for (const one of cases) {
        parts.push(written(one, await resultOf(one, languageId)));
      }
      writeFileSync(path.join(folder, file), parts.join(''));
    });
  } else {
    test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
      expect(await resultOf(one, languageId)).toBe(one.result);
    });
  }
});

test('there are at least 60 golden cases in at least 8 languages', () => {
  const count = files.reduce((sum, file) => sum + parse(readFileSync(path.join(folder, file), 'utf8')).length, 0);
  expect(count).toBeGreaterThanOrEqual(60);
  expect(files.length).toBeGreaterThanOrEqual(8);
});
