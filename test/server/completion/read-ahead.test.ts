/** What the first completion needs is read before it is asked for, where the user is, and gives way to whatever is asked. */

import { afterEach, expect, test } from 'vitest';
import { type Client, startServer, stopServers } from '../tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const other = 'file:///project/other.ts';
const text = 'function first() {}\nx = ';
const answers = [{ when: '', text: 'first(1);\n' }];

function focus(client: Client, document: string, line = 1, character = 4): Promise<void> {
  return client.connection.sendNotification('fasa/focus', {
    textDocument: { uri: document },
    position: { line, character },
  });
}

const prefills = (client: Client) => client.events.filter((event) => event.startsWith('prefill'));

test('the prompt at the focused place is prefilled, and the completion there reuses it', async () => {
  const client = await startServer({ engine: { answers } });
  await client.open(uri, text);
  await focus(client, uri);
  await client.untilEvent('done after 0');
  expect(await client.completionText(uri, 1, 4)).toBe('first(1);');
  await client.until('the request in the status', () => client.status?.lastRequest !== undefined);
  expect(client.status?.lastRequest?.reusedTokens).toBeGreaterThan(text.length);
});

test('a request cancels the warm-up at once', async () => {
  const client = await startServer({ engine: { answers, prefillMs: 1000 } });
  await client.open(uri, text);
  await focus(client, uri);
  await client.untilEvent('prefill');
  expect(await client.completionText(uri, 1, 4)).toBe('first(1);');
  expect(client.events).toContain('cancelled in prefill');
});

test('after the first request a change of focus prefills nothing', async () => {
  const client = await startServer({ engine: { answers } });
  await client.open(uri, text);
  await client.open(other, 'y = ');
  await client.untilState('ready');
  expect(await client.completionText(uri, 1, 4)).toBe('first(1);');
  await focus(client, other, 0, 4);
  expect(await client.connection.sendRequest('fasa/getStatus')).toMatchObject({ state: 'ready' });
  expect(prefills(client)).toHaveLength(1);
});

test('documents that are only opened, unknown, or focused outside their lines are not prefilled', async () => {
  const client = await startServer({ engine: { answers } });
  await client.open(uri, text);
  await client.untilState('ready');
  await focus(client, other);
  await focus(client, uri, 99, 0);
  await client.connection.sendNotification('fasa/focus', { textDocument: {} });
  await client.until('the malformed one in the log', () => client.logs.some((line) => line.includes('fasa/focus')));
  expect(prefills(client)).toEqual([]);
});

test('nothing is prefilled where completions are disabled, or without a model', async () => {
  const off = await startServer({
    engine: { answers },
    initializationOptions: { completion: { enabled: false } },
  });
  await off.open(uri, text);
  await focus(off, uri);
  await off.untilState('ready');
  expect(await off.complete(uri, 1, 4)).toEqual({ items: [] });
  expect(prefills(off)).toEqual([]);

  const none = await startServer({ model: '' });
  await none.open(uri, text);
  await focus(none, uri);
  await none.untilState('off');
  expect(none.events).toEqual([]);
});
