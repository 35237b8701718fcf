import { describe, expect, test } from 'vitest';
import { fitChanges } from '../../../../extension/edits/fit';
import { codeParts, readAnswer } from '../../../../language-server/protocol/answer/answer';

// Whatever an answer holds, reading it and trying it on a file ends soon: work that grew with the square of these lengths
// would take minutes, and the time limit of a test would end it.

const long = 100_000;
const lines: readonly (readonly [string, string])[] = [
  ['blanks between words', `a${' '.repeat(long)}b`],
  ['blanks and a stroke', `a${' '.repeat(long)}-b`],
  ['stars', '*'.repeat(long)],
  ['marks of code', '`'.repeat(long)],
  ['marks of code apart', '` '.repeat(long / 2)],
  ['quotes', '" '.repeat(long / 2)],
  ['strokes', 'a/'.repeat(long / 2)],
  ['dots', 'a.'.repeat(long / 2)],
  ['brackets', '('.repeat(long)],
  ['introductions', 'in the '.repeat(long / 7)],
  ['signs', '<'.repeat(long)],
  ['equals', '='.repeat(long)],
  ['numbers', '1:'.repeat(long / 2)],
];

describe('reading an answer with one long line', () => {
  test.each(lines)('of %s takes work that grows with its length alone, wherever the line is', (_, line) => {
    for (const answer of [
      `${line}\n\`\`\`\nx\n\`\`\`\n`,
      `\`\`\`${line.replaceAll('`', '')}\nx\n\`\`\`\n`,
      `\`\`\`md\n${line}\n\`\`\`\n${line}\n`,
      `\`\`\`\n// ${line}\n<<<<<<< SEARCH\n${line}\n=======\n${line}\n>>>>>>> REPLACE\n\`\`\`\n`,
      `\`\`\`diff\n--- ${line}\n+++ ${line}\n@@ ${line}\n-${line}\n+${line}\n\`\`\`\n`,
      `diff --git ${line}\n--- a${line}\n+++ b${line}\n@@ -1 +1 @@\n-${line}\n+${line}\n`,
    ]) {
      for (const { changes } of codeParts(answer)) {
        expect(fitChanges('x\n', changes).text).toBe('x\n');
      }
    }
  });
});

describe('reading an answer with many lines', () => {
  test.each([
    ['fences', '```\n'],
    ['fences of texts', '```md\n'],
    ['fences in turn', '```md\n\n```\nx\n'],
    ['fences that open', 'Run:\n```\nx\n'],
    ['first marks', '<<<<<<< SEARCH\n'],
    ['dividers', '=======\n'],
    ['last marks', '>>>>>>> REPLACE\n'],
    ['headers', '--- a/x.ts\n+++ b/x.ts\n'],
    ['hunks', '--- a/x.ts\n+++ b/x.ts\n@@ -1 +1 @@\n-a\n+b\n\n'],
    ['patches', '*** Begin Patch\n'],
    ['changes', 'x.ts\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n'],
  ])('of %s takes work that grows with their number alone, in a fence and without one', (_, text) => {
    const many = text.repeat(5_000);
    expect(readAnswer(many, 0, [], true).length).toBeGreaterThan(0);
    for (const open of ['~~~diff\n', '~~~md\n', '~~~\n<<<<<<< SEARCH\n', '```md\n']) {
      for (const part of [`${open}${many}`, `${open}${many}~~~\n`].map((answer) => codeParts(answer)[0])) {
        expect(fitChanges('nothing of it\n', part?.changes.slice(0, 2000) ?? []).text).toBe('nothing of it\n');
      }
    }
  });

  test('compares many inexact hunks with a large file a bounded number of times', () => {
    const file = Array.from({ length: 30_000 }, (_, at) => `line ${at}\n`).join('');
    const hunk = (at: number) =>
      `@@ -${at},5 +${at},5 @@\n line ${at}\n nothing\n line ${at + 1}\n-line ${at + 2}\n+other\n line ${at + 3}\n`;
    const hunks = Array.from({ length: 300 }, (_, at) => hunk(at * 90)).join('');
    const [part] = codeParts(`~~~diff\n--- a/x\n+++ b/x\n${hunks}~~~\n`);
    const { failures, count } = fitChanges(file, part?.changes ?? []);
    expect(count).toBe(300);
    expect(failures.length).toBeGreaterThan(200);
    expect(failures.length).toBeLessThan(300);
  });
});
