import { expect, test } from 'vitest';
import { takeMessages } from '../../../extension/webview-messages';
import { count, messageCheck, pageMessages } from '../../../language-server/protocol/validate';

const check = messageCheck({ ...pageMessages, take: { amount: count } });

/** A page that can say anything, and what its host made of it. */
function page() {
  const heard: ((value: unknown) => void)[] = [];
  const webview = { onDidReceiveMessage: (hear: (value: unknown) => void) => heard.push(hear) };
  const warned: string[] = [];
  const handled: unknown[] = [];
  const told: unknown[] = [];
  takeMessages(webview, {
    name: 'the page',
    output: { warn: (line) => warned.push(line) },
    check,
    handle: async (message) => {
      handled.push(message);
      if (message.kind === 'take' && message.amount > 9) {
        throw new Error('Too much.');
      }
    },
    failed: (error) => told.push(error),
  });
  const say = (value: unknown) => {
    for (const hear of heard) {
      hear(value);
    }
  };
  return { say, warned, handled, told };
}

test('a valid message of a page is handled, any other is dropped with a line in the log', () => {
  const { say, warned, handled } = page();
  say({ kind: 'ready' });
  say({ kind: 'take', amount: 3 });
  expect(handled).toEqual([{ kind: 'ready' }, { kind: 'take', amount: 3 }]);
  expect(warned).toEqual([]);
  const wrong = [undefined, 'ready', [], { kind: 'give' }, { kind: 'take' }, { kind: 'take', amount: 3, more: 1 }];
  for (const value of wrong) {
    say(value);
  }
  expect(handled).toHaveLength(2);
  expect(warned).toHaveLength(wrong.length);
  expect(warned.at(-1)).toMatch(/^A message of the page was not understood: .*must not have the field more/);
});

test('the host reports the error when handling a message fails', async () => {
  const { say, told, warned } = page();
  say({ kind: 'take', amount: 10 });
  await expect.poll(() => told).toEqual([new Error('Too much.')]);
  expect(warned).toEqual([]);
});
