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

describe('an answer that grows', () => {
  test('ends as one that comes at once', async () => {
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

  test('leaves finished blocks alone, and renders at most once a frame', async () => {
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

  test('that is replaced starts again', () => {
    const view = new AnswerView(host);
    view.append('one');
    view.finish('two');
    expect(view.root.textContent).toBe('two\n');
  });
});

describe('a block of code', () => {
  test('has its actions, and names itself by its place', () => {
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
});
