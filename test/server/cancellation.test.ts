/** Requests that nobody wants any more: in the queue, in prefill, in decode; superseded; of a client that died. */

import { spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource } from 'vscode-languageserver/node';
import { type Client, spawnServer, startServer, stopServers } from './tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const other = 'file:///project/other.ts';
const longAnswer = [{ when: '', text: `call(${'argument, '.repeat(400)}` }];
const requestCancelled = -32800;

function cancellable(client: Client, document: string) {
  const source = new CancellationTokenSource();
  const answer = client.connection.sendRequest(
    'textDocument/inlineCompletion',
    { textDocument: { uri: document }, position: { line: 0, character: 4 }, context: { triggerKind: 2 } },
    source.token,
  );
  return { answer, cancel: () => source.cancel() };
}

async function slowServer(engine: { prefillMs?: number; tokenMs?: number }): Promise<Client> {
  const client = await startServer({
    engine: { ...engine, answers: longAnswer },
    initializationOptions: { completion: { timeBudgetMs: 60_000, maxTokens: 1000 } },
  });
  await client.open(uri, 'x = ');
  await client.open(other, 'y = ');
  await client.untilState('ready');
  return client;
}

describe('a request that is cancelled', () => {
  test('in prefill stops the prefill', async () => {
    const client = await slowServer({ prefillMs: 60_000 });
    const { answer, cancel } = cancellable(client, uri);
    await client.untilEvent('prefill');
    cancel();
    await expect(answer).rejects.toMatchObject({ code: requestCancelled });
    await client.untilEvent('cancelled in prefill');
    await client.untilState('ready');
  });

  test('in decode stops within a token', async () => {
    const client = await slowServer({ tokenMs: 20 });
    const { answer, cancel } = cancellable(client, uri);
    await client.untilEvent('decode');
    cancel();
    await expect(answer).rejects.toMatchObject({ code: requestCancelled });
    await client.untilEvent('cancelled in decode');
    expect(client.events.some((event) => event.startsWith('done'))).toBe(false);
  });

  test('in the queue never runs and does not disturb the running one', async () => {
    const client = await slowServer({ prefillMs: 2000 });
    const first = cancellable(client, uri);
    await client.untilEvent('prefill');
    const second = cancellable(client, other);
    await client.until('two in the queue', () => client.events.filter((event) => event === 'queued').length === 2);
    second.cancel();
    await expect(second.answer).rejects.toMatchObject({ code: requestCancelled });
    expect(client.events).toContain('cancelled in queue');
    expect(await first.answer).toMatchObject({ items: [{}] });
    expect(client.events.filter((event) => event.startsWith('prefill'))).toHaveLength(1);
  });

  test('does not change the result of the next request', async () => {
    const client = await slowServer({ prefillMs: 1000 });
    const { answer, cancel } = cancellable(client, uri);
    await client.untilEvent('prefill');
    cancel();
    await expect(answer).rejects.toMatchObject({ code: requestCancelled });
    expect(await client.completionText(uri, 0, 4)).toMatch(/^call\(argument/);
  });

  test('while the model loads is answered at once', async () => {
    const client = await startServer({ engine: { loadMs: 60_000 } });
    await client.open(uri, 'x = ');
    await client.untilState('loading');
    const { answer, cancel } = cancellable(client, uri);
    cancel();
    await expect(answer).rejects.toMatchObject({ code: requestCancelled });
  });
});

describe('a newer request', () => {
  test('for the same document cancels the older one, which answers with nothing', async () => {
    const client = await slowServer({ prefillMs: 1500 });
    const older = cancellable(client, uri);
    await client.untilEvent('prefill');
    const newer = client.complete(uri, 0, 3);
    expect(await older.answer).toEqual({ items: [] });
    expect(client.events).toContain('cancelled in prefill');
    expect((await newer).items).toHaveLength(1);
  });

  test('for another document does not cancel it', async () => {
    const client = await slowServer({ prefillMs: 200 });
    const older = cancellable(client, uri);
    await client.untilEvent('prefill');
    const newer = client.complete(other, 0, 4);
    expect(await older.answer).toMatchObject({ items: [{}] });
    expect((await newer).items).toHaveLength(1);
    expect(client.events.some((event) => event.startsWith('cancelled'))).toBe(false);
  });
});

describe('the time budget', () => {
  test('ends a suggestion with the text so far', async () => {
    const client = await startServer({
      engine: { answers: longAnswer, tokenMs: 30 },
      initializationOptions: { completion: { timeBudgetMs: 1500, maxTokens: 1000 } },
    });
    await client.open(uri, 'x = ');
    await client.untilState('ready');
    const text = (await client.completionText(uri, 0, 4)) ?? '';
    expect(text.length).toBeGreaterThan(2);
    expect(text.length).toBeLessThan(60);
    expect(longAnswer[0]?.text.startsWith(text)).toBe(true);
  });

  test('cancels a prefill that takes longer, and answers with nothing', async () => {
    const client = await startServer({
      engine: { answers: longAnswer, prefillMs: 60_000 },
      initializationOptions: { completion: { timeBudgetMs: 200 } },
    });
    await client.open(uri, 'x = ');
    expect(await client.complete(uri, 0, 4)).toEqual({ items: [] });
    await client.untilEvent('cancelled in prefill');
  });
});

describe('the server ends', () => {
  test('after shutdown and exit, with code 0, in the middle of a request', async () => {
    const client = await slowServer({ prefillMs: 60_000 });
    const { answer } = cancellable(client, uri);
    answer.catch(() => undefined);
    await client.untilEvent('prefill');
    await client.connection.sendRequest('shutdown');
    await client.connection.sendNotification('exit');
    expect(await client.exited).toBe(0);
    expect(client.events).toContain('disposed');
  });

  test('when its input closes, in the middle of a request', async () => {
    const client = await slowServer({ prefillMs: 60_000 });
    cancellable(client, uri).answer.catch(() => undefined);
    await client.untilEvent('prefill');
    client.child.stdin?.end();
    expect(await client.exited).toBe(1);
  });

  test("when the client's process is gone, though the pipe is open", async () => {
    const ended = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => ended.once('close', resolve));
    const client = await startServer({ processId: ended.pid ?? 0 });
    expect(await client.exited).toBe(1);
  });

  test('when it is killed in the middle of a request, and the next server works normally', async () => {
    const client = await slowServer({ prefillMs: 60_000 });
    cancellable(client, uri).answer.catch(() => undefined);
    await client.untilEvent('prefill');
    client.child.kill('SIGKILL');
    expect(await client.exited).toBeNull();
    const next = await startServer({ engine: { answers: longAnswer } });
    await next.open(uri, 'x = ');
    expect(await next.completionText(uri, 0, 4)).toMatch(/^call\(/);
  });

  test('when asked to exit before it was initialized', async () => {
    const client = await spawnServer();
    await client.connection.sendNotification('exit');
    expect(await client.exited).toBe(1);
  });
});
