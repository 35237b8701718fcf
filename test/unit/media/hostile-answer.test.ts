// @vitest-environment jsdom

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { countHidden } from '../../../language-server/protocol/hidden';
import { AnswerView } from '../../../media/chat/answer-view';

// Whatever an answer says, the page holds words, code and nothing that runs, loads or leads anywhere by itself.

interface Trick {
  readonly name: string;
  readonly text: string;
}

const file = path.resolve(import.meta.dirname, '../../fixtures/hostile/answers.json');
const tricks = JSON.parse(readFileSync(file, 'utf8')) as Trick[];
const opened: string[] = [];
const applied: unknown[] = [];

/** All that a page of ours has in an answer. */
const tags = new Set(
  'div p br hr h3 h4 h5 h6 ul ol li blockquote pre code em strong s a table thead tbody tr th td span figure figcaption details summary vscode-toolbar-button'.split(
    ' ',
  ),
);
const attributes = new Set(
  'class title role tabindex aria-label aria-hidden start data-kind icon label style open'.split(' '),
);

function show(text: string, step = text.length): AnswerView {
  const view = new AnswerView({
    openLink: (url) => opened.push(url),
    apply: (block, action) => applied.push([block, action]),
  });
  document.body.replaceChildren(view.root);
  for (let at = 0; at < text.length; at += step) {
    view.append(text.slice(at, at + step));
  }
  view.finish(text);
  return view;
}

beforeEach(() => {
  opened.length = 0;
  applied.length = 0;
});

describe('the view of a hostile answer', () => {
  test.each(tricks.flatMap((trick) => [trick.text.length, 1, 7].map((step) => ({ ...trick, step }))))(
    '$name, in steps of $step, shows words alone',
    async ({ text, step }) => {
      const { root } = show(text, step);
      for (const node of root.querySelectorAll('*')) {
        expect(tags, node.outerHTML).toContain(node.localName);
        for (const { name } of node.attributes) {
          expect(attributes, node.outerHTML).toContain(name);
        }
        expect(node.getAttribute('style') ?? '', node.outerHTML).toBe('');
      }
      expect(countHidden(root.textContent ?? '')).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect((window as { owned?: unknown }).owned).toBeUndefined();
      expect(opened).toEqual([]);
      expect(applied).toEqual([]);
    },
  );

  test('keeps all of its words', () => {
    expect(show('a <b>bold</b> <script>x</script> end').root.textContent).toContain('<script>x</script> end');
  });
});

describe('a link in an answer', () => {
  test('shows its target, and asks the host on a click or a key', () => {
    const { root } = show('[https://good.example/login](https://evil.example/login)');
    expect(root.textContent).toContain('(https://evil.example/login)');
    const link = root.querySelector('a');
    expect(link?.hasAttribute('href')).toBe(false);
    link?.click();
    link?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
    expect(opened).toEqual(['https://evil.example/login', 'https://evil.example/login']);
  });

  test.each(['javascript:a', 'command:a', 'vscode:a', 'data:text/html,a', 'file:///a'])(
    'to %s never reaches the host',
    (url) => {
      for (const link of show(`[x](${url})`).root.querySelectorAll('a')) {
        link.click();
      }
      expect(opened).toEqual([]);
    },
  );
});
