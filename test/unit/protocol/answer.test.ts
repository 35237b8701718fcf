import { describe, expect, test } from 'vitest';
import { codeParts, readAnswer, withoutThoughts } from '../../../language-server/protocol/answer/answer';

const kinds = (text: string) => readAnswer(text).map(({ kind }) => kind);

describe('the parts of an answer', () => {
  test('are Markdown, code and thoughts that cover the whole text', () => {
    const text = '<think>hm\n</think>\nSo:\n\n```ts\nconst a = 1;\n```\n\nDone.\n';
    expect(kinds(text)).toEqual(['thought', 'markdown', 'code', 'markdown']);
    expect(codeParts(text)[0]).toMatchObject({ language: 'ts', text: 'const a = 1;\n', closed: true, changes: [] });
    expect(withoutThoughts(text)).toBe('So:\n\n```ts\nconst a = 1;\n```\n\nDone.');
  });

  test('are the same whatever pieces the answer comes in', () => {
    const text =
      'A list:\n\n- one\n- two\n\n```py\nx = 1\n```\nThen\n\nsrc/a.ts\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\nend `code`\n~~~\nraw\n~~~\n<think>why\n```\nno code\n```\n</think>last';
    const whole = readAnswer(text);
    for (const step of [1, 3, 7]) {
      let parts = readAnswer('');
      for (let end = step; end < text.length + step; end += step) {
        const kept = parts.slice(0, -1);
        parts = [...kept, ...readAnswer(text.slice(0, end), parts.at(-1)?.start ?? 0, kept)];
      }
      expect(parts).toEqual(whole);
    }
  });

  test('only grow while the answer grows', () => {
    const open = readAnswer('```js\nlet a');
    expect(open[0]).toMatchObject({ kind: 'code', text: 'let a', closed: false });
    expect(readAnswer('```js\nlet a = 1;\n')[0]).toMatchObject({ text: 'let a = 1;', closed: false });
    expect(readAnswer('<think>still')[0]).toMatchObject({ kind: 'thought', text: 'still', closed: false });
  });

  test('keep a fence within a longer fence, and indented fences', () => {
    expect(codeParts('````md\n```js\na\n```\n````\n')[0]?.text).toBe('```js\na\n```\n');
    expect(codeParts('1. do\n   ```js\n   a\n     b\n   ```\n')[0]?.text).toBe('a\n  b\n');
  });
});

describe('the file name of a code block', () => {
  test.each([
    ['```ts src/a.ts\n```', undefined],
    ['```ts:src/a.ts\nx\n```', 'src/a.ts'],
    ['```ts title="src/a.ts"\nx\n```', 'src/a.ts'],
    ['src/a.ts\n```ts\nx\n```', 'src/a.ts'],
    ['**`src/a.ts`**:\n\n```ts\nx\n```', 'src/a.ts'],
    ['See src/a.ts for more:\n```ts\nx\n```', undefined],
    ['.git/config\n```\nx\n```', '.git/config'],
    ['/etc/passwd\n```\nx\n```', '/etc/passwd'],
    ['../a/b.ts\n```\nx\n```', '../a/b.ts'],
    ['.env\n```\nx\n```', '.env'],
    ['Makefile:\n```\nx\n```', 'Makefile'],
    ['Example\n```\nx\n```', undefined],
    ['```ts\nx\n```', undefined],
  ])('in %j is found', (text, path) => {
    expect(codeParts(text)[0]?.path).toBe(path);
  });
});

describe('SEARCH/REPLACE blocks', () => {
  test('are found with and without a fence, several in one block', () => {
    const change = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}=======\n${replace}>>>>>>> REPLACE\n`;
    const [fenced, bare] = codeParts(
      `\`\`\`\nlib/a.js\n${change('a\n', 'b\n')}${change('c\n', '')}\`\`\`\n\nlib/b.js\n${change('x\n', 'y\n')}`,
    );
    expect(fenced).toMatchObject({
      path: 'lib/a.js',
      changes: [
        { search: 'a\n', replace: 'b\n' },
        { search: 'c\n', replace: '' },
      ],
    });
    expect(bare).toMatchObject({ path: 'lib/b.js', changes: [{ search: 'x\n', replace: 'y\n' }], closed: true });
  });

  test('that are incomplete are no changes', () => {
    expect(codeParts('<<<<<<< SEARCH\na\n=======\nb\n')[0]).toMatchObject({ changes: [], unfinished: true });
    expect(codeParts('```\n<<<<<<< SEARCH\na\nb\n>>>>>>> REPLACE\n```\n')[0]).toMatchObject({
      changes: [],
      unfinished: true,
    });
  });
});
