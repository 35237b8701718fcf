import { describe, expect, test } from 'vitest';
import { checkToHost, checkToView } from '../../../language-server/protocol/chat-page';

describe('a message of the chat page to its host', () => {
  test.each([
    { kind: 'ready' },
    { kind: 'ask', text: 'Why?' },
    { kind: 'ask', text: '', command: 'fix' },
    { kind: 'apply', turn: 'a', block: 0, action: 'diff' },
  ])('%j is accepted', (message) => {
    expect(checkToHost(message)).toEqual(message);
  });

  test.each([
    [undefined, 'unknown'],
    ['ready', 'unknown'],
    [{}, 'unknown'],
    [{ kind: 'constructor' }, 'unknown'],
    [{ kind: '__proto__' }, 'unknown'],
    [{ kind: 'run', command: 'rm' }, 'unknown'],
    [{ kind: 'ask' }, 'ask.text must be a string'],
    [{ kind: 'ask', text: 1 }, 'ask.text must be a string'],
    [{ kind: 'ask', text: 'x'.repeat(300_000) }, 'ask.text must be a string of at most'],
    [{ kind: 'ask', text: 'x', command: 'rm' }, 'ask.command must be one of'],
    [{ kind: 'ask', text: 'x', more: 1 }, 'must not have the field more'],
    [{ kind: 'apply', turn: 'a', block: -1, action: 'diff' }, 'apply.block must be a whole number'],
    [{ kind: 'apply', turn: 'a', block: 0, action: 'write' }, 'apply.action must be one of'],
    [{ kind: 'apply', turn: 'a', block: 0, action: 'diff', text: 'rm -rf' }, 'must not have the field text'],
  ])('%j is rejected', (message, reason) => {
    expect(() => checkToHost(message)).toThrow(reason);
  });
});

test('a message to the chat page is checked at every depth', () => {
  const turn = { id: 'a', question: 'q', chips: [], answer: '', state: 'waiting', citations: [] };
  expect(checkToView({ kind: 'turn', turn })).toEqual({ kind: 'turn', turn });
  const citation = { uri: 'file:///a', path: 'a', firstLine: 1, lastLine: 2, share: Number.NaN };
  expect(() => checkToView({ kind: 'turn', turn: { ...turn, citations: [citation] } })).toThrow(
    'turn.turn.citations[0].share must be a number',
  );
});
