// @vitest-environment jsdom

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Candidate, checkToHost, checkToView, type ToHost } from '../../../language-server/protocol/chat-page';
import { limits } from '../../../language-server/protocol/limits';
import { Composer } from '../../../media/chat/composer';
import { ConversationList } from '../../../media/chat/conversation-list';
import { TurnElement } from '../../../media/chat/turn-view';
import { webview } from '../../../media/webview';

let sent: ToHost[] = [];
const send = (message: ToHost) => sent.push(checkToHost(message));
const soon = () => new Promise((resolve) => setTimeout(resolve, 350));

beforeAll(() => {
  // what jsdom has not
  Element.prototype.scrollIntoView = () => undefined;
});
beforeEach(() => {
  sent = [];
});

describe('the composer', () => {
  test('keeps a question that is too long with the reason, and sends it once it was shortened', async () => {
    const composer = new Composer(send);
    for (const text of ['x'.repeat(limits.question + 1), '/fix '.padEnd(limits.question + 10, 'y')]) {
      composer.text = text;
      composer.submit();
      expect(composer.root.querySelector('[role=alert]')?.textContent).toMatch(/^too long: 262,14\d characters/);
    }
    await soon();
    expect(sent).toEqual([]);
    composer.text = '/fix '.padEnd(limits.question, 'y');
    composer.submit();
    expect(sent).toMatchObject([{ kind: 'ask', command: 'fix' }]);
  });

  test('cuts a long name to the limit when it searches for files', () => {
    const composer = new Composer(send);
    composer.text = `@file:${'n'.repeat(5000)}`;
    expect(sent).toEqual([{ kind: 'mention', request: 1, type: 'file', query: 'n'.repeat(limits.label) }]);
  });

  test('says how many more there are in a row that cannot be chosen', () => {
    const composer = new Composer(send);
    composer.text = '@file:a';
    const candidates: Candidate[] = [{ id: 'file-1', kind: 'file', label: 'a.ts' }];
    composer.setCandidates(1, candidates, 37);
    const rows = [...composer.root.querySelectorAll('.picker li')].map(({ textContent }) => textContent);
    expect(rows).toEqual(['a.ts', '37 more: keep typing to find them']);
    const area = composer.root.querySelector('textarea');
    for (const key of ['ArrowDown', 'ArrowDown', 'Enter']) {
      area?.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
    }
    expect(sent.at(-1)).toEqual({ kind: 'addChip', id: 'file-1', type: 'file' });
  });
});

test('an edited question that is too long is kept, with the reason', () => {
  const turn = { id: 't', question: 'Why?', chips: [], answer: '', state: 'done', citations: [] } as const;
  const element = new TurnElement(turn, send);
  element.root.querySelector('[icon=edit]')?.dispatchEvent(new MouseEvent('click'));
  const area = element.root.querySelector('textarea');
  const enter = () => area?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
  if (area) {
    area.value = 'z'.repeat(limits.question + 1);
  }
  enter();
  expect(sent).toEqual([]);
  expect(element.root.querySelector('[role=alert]')?.textContent).toContain('262,145 characters');
  if (area) {
    area.value = 'And?';
  }
  enter();
  expect(sent).toEqual([{ kind: 'edit', turn: 't', text: 'And?' }]);
});

test('the list of conversations says how many more there are', () => {
  const list = new ConversationList(send, () => undefined);
  list.update('', [{ id: 'a', title: 'A', changed: '2026-01-01', turns: 1 }], 37);
  expect(list.root.textContent).toContain('37 more: search to find them');
});

describe('the connection of a page to its host', () => {
  const told: unknown[] = [];
  const taken: unknown[] = [];
  const page = (() => {
    Object.assign(globalThis, { acquireVsCodeApi: () => ({ postMessage: (message: unknown) => told.push(message) }) });
    return webview(checkToHost, checkToView);
  })();
  page.onMessage((message) => taken.push(message));
  const post = (data: unknown) => window.dispatchEvent(new MessageEvent('message', { data }));
  beforeEach(() => {
    told.length = 0;
    taken.length = 0;
  });

  test('takes the valid entries of a message, and reports the others in one line for the log', () => {
    const bad = Array.from({ length: 50 }, () => ({ id: 'x'.repeat(101), kind: 'file', label: 'b' }));
    post({ kind: 'candidates', request: 1, candidates: [...bad, { id: 'c', kind: 'file', label: 'c' }] });
    expect(taken).toEqual([{ kind: 'candidates', request: 1, candidates: [{ id: 'c', kind: 'file', label: 'c' }] }]);
    expect(told).toEqual([
      { kind: 'problem', text: expect.stringMatching(/candidates\[4\].*; and 45 more$/) as string },
    ]);
  });

  test('accepts a model name of any length', () => {
    post({ kind: 'server', ready: true, trusted: true, model: 'M'.repeat(100_000) });
    expect(taken).toMatchObject([{ kind: 'server', ready: true }]);
    expect(told).toEqual([]);
  });

  test('reports a message that it could not send', () => {
    page.send({ kind: 'openLink', url: 'x'.repeat(limits.uri + 1) });
    expect(told).toEqual([{ kind: 'problem', text: expect.stringContaining('could not send') as string }]);
  });
});
