// @vitest-environment jsdom

import { describe, expect, test } from 'vitest';
import { AnswerView } from '../../../media/chat/answer-view';

const host = { openLink: () => undefined, apply: () => undefined };
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

const text = [
  '# Title',
  'A paragraph with `code` and **bold**.',
  '- one\n- two\n\n  still two\n- three',
  '```js\nconst a = 1; // one\nfunction f() {\n  return a;\n}\n```',
  '| a | b |\n| - | - |\n| 1 | 2 |',
  '<think>\nhm\n</think>',
  '1. first\n2. second',
  'Last words.',
].join('\n\n');

describe('the view of an answer', () => {
  test('is the same for an answer that streams and one that comes at once', async () => {
    const whole = new AnswerView(host);
    whole.finish(text);
    for (const step of [1, 5, 40]) {
      const grown = new AnswerView(host);
      for (let at = 0; at < text.length; at += step) {
        grown.append(text.slice(at, at + step));
        if (at % 3 === 0) {
          await frame();
        }
      }
      grown.finish(text);
      expect(grown.root.innerHTML).toBe(whole.root.innerHTML);
    }
    expect(whole.root.querySelectorAll('.hljs-keyword').length).toBeGreaterThan(0);
    expect(whole.root.querySelector('details.thought')?.hasAttribute('open')).toBe(false);
  });

  test('keeps finished blocks while the answer grows, and renders at most once a frame', async () => {
    const view = new AnswerView(host);
    view.append('First paragraph.\n\nSecond');
    await frame();
    const first = view.root.querySelector('p');
    const before = view.renders;
    for (let count = 0; count < 50; count++) {
      view.append(' word');
    }
    await frame();
    expect(view.renders).toBe(before + 1);
    expect(view.root.querySelector('p')).toBe(first);
    view.append('\n\n```js\nlet a');
    await frame();
    const code = view.root.querySelector('code');
    view.append(' = 1;\nlet b');
    await frame();
    expect(view.root.querySelector('code')).toBe(code);
    expect(code?.textContent).toBe('let a = 1;\nlet b');
    expect(view.root.querySelector('p')).toBe(first);
  });

  test('turns text into a thought when a closing mark comes without an opening one', async () => {
    const view = new AnswerView(host);
    view.append('Let me see.\n\n```ts\nlet wrong;\n```\n\nNo.');
    await frame();
    expect(view.root.querySelectorAll('figure')).toHaveLength(1);
    view.append('\n</think>\n\nYes:\n\n```ts\nlet right;\n```\n');
    await frame();
    view.finish(view.text);
    expect([...view.root.children].map((child) => child.className)).toEqual(['thought', 'markdown', 'code']);
    expect(view.root.querySelector('figure')?.textContent).toContain('let right;');
    expect(view.root.querySelector('figure pre')?.getAttribute('aria-label')).toBe('Code block 1');
  });

  test('says so when the answer is a thought and nothing else', () => {
    const view = new AnswerView(host);
    view.finish('<think>\nstill thinking');
    expect(view.root.textContent).toContain('on thinking. Ask for something smaller');
    view.finish('<think>\nstill thinking\n</think>\nDone.');
    expect(view.root.textContent).not.toContain('on thinking. Ask');
  });

  test.each([
    ['a numbered list', '10. Install:\n\n    ```sh\n    npm i\n    ```\n\n    Then run it.\n\n11. Next.\n'],
    ['a list in a list', '- a\n  - b\n\n    ```sh\n    x\n    ```\n\n    Then run it.\n'],
    ['a list with tabs', '-\tInstall:\n\n\t```sh\n\tx\n\t```\n\n\tThen run it.\n'],
    ['deeper than any list', '1. a\n   - b\n     - c\n\n       ```\n       x\n       ```\n       Then run it.\n'],
  ])('shows text after a code block in %s as text', (_name, text) => {
    for (const stream of [false, true]) {
      const view = new AnswerView(host);
      if (stream) {
        for (const char of text) {
          view.append(char);
        }
      }
      view.finish(text);
      const after = [...view.root.querySelectorAll('p, li')].find((one) => one.textContent?.startsWith('Then run it.'));
      expect(after?.closest('pre')).toBeNull();
      expect(view.root.querySelectorAll('pre')).toHaveLength(1);
    }
  });

  test('keeps indented code after an unindented block as code', () => {
    const view = new AnswerView(host);
    view.finish('```\nx\n```\n\nText:\n\n    indented\n');
    expect(view.root.querySelectorAll('pre')).toHaveLength(2);
  });

  test.each([
    ['**注意：**先停止', '注意：'],
    ['これは**「重要」**です', '「重要」'],
    ['**한국어(Korean)**를', '한국어(Korean)'],
    ['请看**第1章。**然后', '第1章。'],
    ['**plain** text', 'plain'],
    ['a**b**c', 'b'],
  ])('shows emphasis beside East Asian characters: %s', (text, strong) => {
    const view = new AnswerView(host);
    view.finish(text);
    expect(view.root.querySelector('strong')?.textContent).toBe(strong);
    expect(view.root.textContent).not.toContain('*');
  });

  test('starts again when the answer is replaced', () => {
    const view = new AnswerView(host);
    view.append('one');
    view.finish('two');
    expect(view.root.textContent).toBe('two\n');
  });
});

describe('the view of a code block', () => {
  test('sends its actions with its index', () => {
    const asked: unknown[] = [];
    const view = new AnswerView({ ...host, apply: (block, action) => asked.push([block, action]) });
    view.finish('```js\na\n```\n\n```\nsrc/a.ts\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```\n');
    const labels = [...view.root.querySelectorAll('figure')].map((figure) =>
      [...figure.querySelectorAll('vscode-toolbar-button')].map((button) => button.getAttribute('label')),
    );
    expect(labels).toEqual([
      ['Copy code', 'Insert at cursor', 'Replace selection', 'Insert into new file', 'Compare with file'],
      ['Copy code', 'Review changes in a diff'],
    ]);
    view.root.querySelectorAll<HTMLElement>('[icon="diff"]')[1]?.click();
    expect(asked).toEqual([[1, 'diff']]);
  });

  test.each([
    ['src/a.ts\n```ts\na\n```', 'src/a.ts'],
    ['In `app/[slug]/page.tsx`:\n```tsx\na\n```', 'app/[slug]/page.tsx'],
    ['```ts\na\n```', 'ts'],
    ['```\na\n```', 'code'],
    ['```\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```', '1 change'],
    ['```diff\n--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-c\n+d\n```', 'src/a.ts, 2 changes'],
    ['```diff\n--- /dev/null\n+++ b/src/a.ts\n@@ -0,0 +1 @@\n+b\n```', 'src/a.ts, new file'],
    ['```diff\n--- a/src/a.ts\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n```', 'src/a.ts, deletes the file'],
    ['```diff\ndiff --git a/a.ts b/b.ts\nrename from a.ts\nrename to b.ts\n```', 'a.ts, renamed to b.ts'],
    [
      '```diff\n--- a/a.ts\n+++ b/a.ts\n@@ -1 +1 @@\n-a\n+b\n--- a/b.ts\n+++ b/b.ts\n@@ -1 +1 @@\n-a\n+b\n```',
      'a.ts and 1 more file, 2 changes',
    ],
  ])('has a title that says what it is for: %j', (answer, title) => {
    const view = new AnswerView(host);
    view.finish(answer);
    expect(view.root.querySelector('.code-title')?.textContent).toBe(title);
    const isChange = /,|change/.test(title);
    expect(view.root.querySelectorAll('vscode-toolbar-button')).toHaveLength(isChange ? 2 : 5);
  });

  test('is read again at the end when a fence seemed to open another block', async () => {
    const text = '```md\n# A\n\nUse:\n```\nThat is all, and no fence follows.\n';
    const grown = new AnswerView(host);
    for (const character of text) {
      grown.append(character);
    }
    await frame();
    grown.finish(text);
    const whole = new AnswerView(host);
    whole.finish(text);
    expect(grown.root.innerHTML).toBe(whole.root.innerHTML);
    expect(whole.root.querySelectorAll('figure')).toHaveLength(1);
    expect(whole.root.querySelector('.markdown')?.textContent).toContain('That is all');
  });
});
