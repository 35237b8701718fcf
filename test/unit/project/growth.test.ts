import { describe, expect, test } from 'vitest';
import { hunksOf } from '../../../extension/edits/changes';
import { fitChanges } from '../../../extension/edits/fit';
import { mergeHunks } from '../../../extension/edits/merge';
import { namedPaths } from '../../../language-server/chat/choose-files';
import { sensibleEnd } from '../../../language-server/completion/stop/sensible-end';
import { CodeAround } from '../../../language-server/completion/syntax/brackets';
import { formsOf } from '../../../language-server/completion/syntax/forms';
import { scan } from '../../../language-server/completion/syntax/scanner';
import { importCandidates } from '../../../language-server/index/rank/imports';
import { codeParts, readAnswer } from '../../../language-server/protocol/answer/answer';
import { isOpeningInfo } from '../../../language-server/protocol/answer/fences';
import { applyChanges } from '../extension/edits/apply-changes';

// What a stranger's repository, a pasted text or a model's answer can make long: the work must grow with it, not with its
// square. Where work can be counted, it is.

describe('the candidates of an import', () => {
  const chars = (text: string, file: string) => importCandidates(text, `/r/${file}`, '/r').flat().join('').length;

  test.each<[string, string, (n: number) => string]>([
    ['a Rust path', 'src/a.rs', (n) => `use crate${'::a'.repeat(n)};`],
    ['a Rust path of `super`', 'src/a.rs', (n) => `use super${'::super'.repeat(n)};`],
    ['many Rust paths', 'src/a.rs', (n) => `use self${'::ab'.repeat(64)};\n`.repeat(n / 64)],
    ['a Python module', 'a.py', (n) => `import ${'a.'.repeat(n)}b`],
    ['the dots of a Python module', 'a.py', (n) => `from ${'.'.repeat(n)} import b`],
    [
      'the items of a Python module',
      'a.py',
      (n) => `from a import ${Array.from({ length: n }, (_, i) => `i${i}`).join()}`,
    ],
    ['a script', 'a.ts', (n) => `import '.${'/a'.repeat(n)}'`],
    ['an include', 'a.c', (n) => `#include "${'a/'.repeat(n)}b.h"`],
  ])('are bounded for %s', (_name, file, text) => {
    const [once, twice, fourTimes] = [2_000, 4_000, 8_000].map((n) => chars(text(n), file));
    expect(once).toBeLessThan(3_000_000);
    expect(twice).toBeLessThanOrEqual(2 * (once ?? 0) + 1);
    expect(fourTimes).toBeLessThanOrEqual(4 * (once ?? 0) + 1);
  });

  test('are all there for a path of ordinary length', () => {
    expect(importCandidates('use crate::a::b::C;', '/r/src/x.rs', '/r')).toEqual([
      ['a/b/C', 'a/b', 'a'].flatMap((name) => [`/r/src/${name}.rs`, `/r/src/${name}/mod.rs`]),
    ]);
    expect(importCandidates('import  (  "./a")', '/r/x.ts', '/r')[0]?.[0]).toBe('/r/a');
    expect(importCandidates('from . import a', '/r/x.py', '/r').flat()).toContain('/r/a.py');
  });
});

describe('the paths that a question names', () => {
  /** A list of paths that counts how often one is looked at. */
  function counted(paths: readonly string[]): { readonly paths: readonly string[]; readonly looked: () => number } {
    let looked = 0;
    const proxy = new Proxy(paths, {
      get(target, key, receiver) {
        looked += typeof key === 'string' && /^\d+$/.test(key) ? 1 : 0;
        return Reflect.get(target, key, receiver);
      },
    });
    return { paths: proxy, looked: () => looked };
  }
  const files = Array.from({ length: 500 }, (_, i) => `src/part${i % 20}/file${i}.ts`);

  test.each<[string, (n: number) => string]>([
    ['a trace of one file', (n) => '    at run (src/part1/file1.ts:10:3)\n'.repeat(n)],
    [
      'a trace of many files',
      (n) => Array.from({ length: n }, (_, i) => `at part${i % 20}/file${i}.ts:${i}`).join('\n'),
    ],
    ['names that are nowhere', (n) => Array.from({ length: n }, (_, i) => `other${i}/file${i % 500}.ts`).join('\n')],
    ['a word of slashes', (n) => `${'a/'.repeat(n)}b`],
  ])('are found by looking at each path once: %s', (_name, question) => {
    for (const n of [1_000, 2_000, 4_000]) {
      const { paths, looked } = counted(files);
      namedPaths(question(n), paths);
      expect(looked()).toBe(files.length);
    }
  });

  test('are the paths that are or end with the name, in the order of the names', () => {
    expect(namedPaths('b.ts, x/a.ts and a.ts', ['a.ts', 'b.ts', 'x/a.ts', 'y/x/a.ts', 'xa.ts'])).toEqual([
      'b.ts',
      'x/a.ts',
      'y/x/a.ts',
      'a.ts',
    ]);
    expect(namedPaths('/a.ts a.ts', ['/a.ts'])).toEqual(['/a.ts']);
  });

  test.each([
    ['a run of dots', `${'.'.repeat(1_000_000)}x/y`],
    ['a run of slashes', `${'/'.repeat(1_000_000)}x`],
    ['a run of colons', `${':.'.repeat(500_000)}x`],
  ])('are found after %s', (_name, question) => {
    expect(namedPaths(question, files)).toEqual([]);
  });
});

// Without a count: what grows with the square, or faster, does not end within the time of a test.
const length = 1_000_000;

describe('a sensible end is found in linear time', () => {
  const code = new CodeAround({ before: '', after: '', reachesEnd: true, start: 0 }, '');

  test.each<[string, string, string]>([
    ['behind a run of operators', `a ${'!'.repeat(length)}`, 'a'],
    ['behind operators with blanks between', `a ${'! '.repeat(length / 2)}`, 'a'],
    ['where operators stand in front of a word', `${'+ '.repeat(length / 2)}\u0000`, ''],
    ['behind brackets', `a${'(['.repeat(length / 2)}`, 'a'],
    ['in front of a word', `b c${'a'.repeat(length)}`, 'b'],
  ])('%s', (_name, text, end) => {
    expect(sensibleEnd(text, 'one', code)).toBe(end);
  });
});

describe('the info string of a fence', () => {
  test.each<[string, string, boolean]>([
    ['commas', `a${','.repeat(length)}\t.`, false],
    ['commas and blanks', `a${', '.repeat(length / 2)}!`, false],
    ['one word', `${'a'.repeat(length)} b`, false],
    ['names with dots', `a ${'b.'.repeat(length / 2)}!`, false],
    ['a path', `a, ${'b/'.repeat(length / 2)}c.ts`, true],
    ['a setting', `python title=${'a '.repeat(length / 2)}`, true],
  ])('is recognized in linear time: %s', (_name, info, opens) => {
    expect(isOpeningInfo(info)).toBe(opens);
  });
});

describe('code is tokenized in linear time', () => {
  test.each<[string, string, string]>([
    ['apostrophes that end nowhere', '', "'a "],
    ['quotes behind backslashes', 'javascript', '\\"'],
    ['slashes and classes that end nowhere', 'javascript', '(/['],
    ['brackets', 'python', '([{'],
  ])('%s', (_name, languageId, unit) => {
    const { continued } = scan(`${unit.repeat(length / 5 / unit.length)}\n`, formsOf(languageId));
    expect(continued).toEqual([false, false]);
  });

  test('pairs quotes correctly on a line with an unpaired quote', () => {
    const { brackets, closed } = scan('"a\\"b" (\' "c" [\n)', formsOf('javascript'));
    expect(brackets.map(({ char }) => char)).toEqual(['(', '[', ')']);
    expect(closed).toHaveLength(2);
  });
});

describe('an answer is parsed in linear time', () => {
  test.each<[string, string, number]>([
    ['closing marks of thoughts in a block', `\`\`\`\n${'</think>\n'.repeat(length / 9)}`, 1],
    ['closing marks on one line', `a ${'</think> '.repeat(length / 9)}b`, 1],
    ['opening marks in the middle', `a\n${'<think>\n'.repeat(length / 8)}`, 1],
    ['closing marks that are quoted', `a\n${'<think>\n`</think>`\n'.repeat(20_000)}`, 1],
    ['fences', '```\na\n```\n'.repeat(20_000), 20_000],
    ['openings of changes', '```\n<<<<<<< SEARCH\n'.repeat(5_000), 2],
    ['a fence far to the right', `- a\n${' '.repeat(length / 10)}\`\`\`\nb\n`, 2],
  ])('with many of %s', (_name, text, parts) => {
    expect(readAnswer(text, 0, [], true).length).toBe(parts);
  });

  test('with a rename of a long name', () => {
    const text = `diff --git a/b b/c\nrename from "${'b'.repeat(length)}"\nrename to "c"\n@@ -1 +1 @@\n-a\n+b\n`;
    expect(codeParts(text)[0]?.files[0]?.kind).toBe('renamed');
  });
});

describe('changes are matched to a file in linear time', () => {
  const numbered = (count: number, word: string) => Array.from({ length: count }, (_, i) => `${word} ${i}\n`).join('');

  test('with thousands in one block', () => {
    const count = 2_000;
    const changes = Array.from(
      { length: count },
      (_, i) => `<<<<<<< SEARCH\nline ${i}\n=======\nmy ${i}\n=======\n>>>>>>> REPLACE\n`,
    );
    const block = codeParts(`\`\`\`\n${changes.join('')}\`\`\`\n`)[0];
    const { failures } = fitChanges(numbered(count, 'line'), block?.changes ?? []);
    expect(block?.changes.length).toBe(count);
    expect(failures).toEqual([]);
  });

  test('with hunks that each fit in many places', () => {
    const hunks = Array.from({ length: 1_000 }, () => '@@ @@\n-same\n+other\n').join('');
    const block = codeParts(`\`\`\`diff\n${hunks}\`\`\`\n`)[0];
    const { failures } = fitChanges('same\n'.repeat(300), block?.changes ?? []);
    expect(failures).toHaveLength(1_000);
  });

  test('with a hunk whose place only the next ones determine', () => {
    const text = 'a\nx\nb\nx\nc\nx\n';
    const block = codeParts(
      '```diff\n@@ @@\n-x\n+1\n@@ @@\n-b\n+2\n@@ @@\n-x\n+3\n@@ @@\n-c\n+4\n@@ @@\n-x\n+5\n```\n',
    )[0];
    expect(fitChanges(text, block?.changes ?? [])).toMatchObject({ text: 'a\n1\n2\n3\n4\n5\n', failures: [] });
  });

  test('with texts that have no line in common', () => {
    const [before, after] = [numbered(60_000, 'a'), numbered(60_000, 'b')];
    expect(hunksOf(`x\n${before}y\n`, `x\n${after}y\n`)).toEqual([
      { oldStart: 1, oldEnd: 60_001, newStart: 1, newEnd: 60_001, oldText: before, newText: after },
    ]);
    expect(applyChanges(before, [{ search: before, replace: after }])).toBe(after);
  });

  test('with a text of more lines than a call may have arguments', () => {
    const base = numbered(300_000, 'a');
    const [hunk] = hunksOf(base, `${base}end\n`);
    expect(mergeHunks(base, `start\n${base}`, hunk === undefined ? [] : [hunk]).text).toBe(`start\n${base}end\n`);
  });
});
