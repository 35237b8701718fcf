/** The first document is read before anything is asked, and gives way to whatever is asked. */

import { afterEach, expect, test } from 'vitest';
import { startServer, stopServers } from './client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const text = 'function first() {}\nx = ';
const answers = [{ when: '', text: 'first(1);\n' }];

test('opening the first document feeds it; the completion finds it fed', async () => {
  const client = await startServer({ engine: { answers, readAhead: true } });
  await client.open(uri, text);
  await client.untilEvent('done after 0');
  expect(await client.completionText(uri, 1, 4)).toBe('first(1);');
  await client.until('the request in the status', () => client.status?.lastRequest !== undefined);
  expect(client.status?.lastRequest?.reusedTokens).toBeGreaterThan(text.length / 2);
});

test('a request ends the reading ahead at once', async () => {
  const client = await startServer({ engine: { answers, readAhead: true, prefillMs: 1000 } });
  await client.open(uri, text);
  await client.untilEvent('prefill');
  expect(await client.completionText(uri, 1, 4)).toBe('first(1);');
  expect(client.events).toContain('cancelled in prefill');
});

test('a document opened later does not take the place of what is cached', async () => {
  const client = await startServer({ engine: { answers, readAhead: true } });
  await client.open(uri, text);
  await client.untilEvent('done after 0');
  await client.open('file:///project/other.ts', 'y = ');
  expect(await client.completionText(uri, 1, 4)).toBe('first(1);');
  expect(client.events.filter((event) => event.startsWith('prefill'))).toHaveLength(2);
});

test('nothing is read ahead where completions are off, or without a model', async () => {
  const off = await startServer({
    engine: { answers, readAhead: true },
    initializationOptions: { completion: { enabled: false } },
  });
  await off.open(uri, text);
  await off.untilState('ready');
  expect(await off.complete(uri, 1, 4)).toEqual({ items: [] });
  expect(off.events.filter((event) => event.startsWith('prefill'))).toEqual([]);

  const none = await startServer({ engine: { readAhead: true }, model: '' });
  await none.open(uri, text);
  await none.untilState('off');
  expect(none.events).toEqual([]);
});
