/** The server as it ships, with the default model: real completions and answers over real pipes. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CancellationTokenSource, ProgressType } from 'vscode-languageserver/node';
import { type CompletionCounts, completionCountsRequest } from '../../../bench/speed/completion-counter';
import { resolveModel } from '../../../language-server/models/resolve-model';
import type { AskResult } from '../../../language-server/protocol/server';
import { type Client, type StartOptions, startServer, stopServers } from '../tools/client';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const file = path.join(root, 'language-server', 'completion', 'prompt', 'cursor.ts');
const uri = pathToFileURL(file).href;
/** Up to the middle of a statement that the file has shown how to go on with. */
const text = `${readFileSync(file, 'utf8')}
export function isEmpty(text: string): boolean {
  return text.`;
const lines = text.split('\n');
const line = lines.length - 1;
const column = lines[line]?.length ?? 0;

let client: Client;
let startOptions: StartOptions;
const settings = { timeBudgetMs: 120_000, tailTokens: 512 };
/** The meter's figures are those of the open files alone. */
const repository = { enabled: false };

beforeAll(async () => {
  startOptions = {
    entry: 'language-server/main.ts',
    model: await resolveModel(''),
    folders: [root],
    environment: { FASA_ADDON: path.join(root, 'dist', 'native', 'addon.node') },
    initializationOptions: { completion: { ...settings, maxTokens: 64 }, repository },
  };
  client = await startServer(startOptions);
  await client.open(uri, text);
  await client.untilState('ready');
});

afterAll(stopServers);

function type(version: number, character: number, typed: string): Promise<void> {
  const at = { line, character };
  return client.connection.sendNotification('textDocument/didChange', {
    textDocument: { uri, version },
    contentChanges: [{ range: { start: at, end: at }, text: typed }],
  });
}

async function nextRequest(before: unknown): Promise<NonNullable<Client['status']>> {
  await client.until('the next request', () => {
    const { status } = client;
    return status?.state === 'ready' && status.lastRequest !== undefined && status.lastRequest !== before;
  });
  if (client.status === undefined) {
    throw new Error('There is no status.');
  }
  return client.status;
}

describe.sequential('the server with the default model', () => {
  test('completes one line of code, and reports what is cached', async () => {
    const suggestion = await client.completionText(uri, line, column);
    expect(suggestion).toMatch(/^[a-z]\w*/);
    expect(suggestion).not.toContain('\n');
    const status = await nextRequest(undefined);
    expect(status.model).toMatchObject({ architecture: 'llama', trainedContext: 8192, fillInTheMiddle: false });
    expect(status.cache?.tokens).toBeGreaterThan(400);
    expect(status.lastRequest).toMatchObject({ kind: 'inline' });
  });

  test('reuses all but the last tokens after another character', async () => {
    const before = client.status?.lastRequest;
    await type(2, column, 'q');
    await client.complete(uri, line, column + 1);
    const { lastRequest } = await nextRequest(before);
    expect(lastRequest?.fedTokens).toBeLessThan(8);
    expect(lastRequest?.reusedTokens).toBeGreaterThan(400);
  });

  test('prefills at most 4 tokens for each character that is typed at the end of 2,000', async () => {
    const long = 'file:///other/long.ts';
    const completion = { timeBudgetMs: 120_000, tailTokens: 4096, maxTokens: 2 };
    const counting = await startServer({
      ...startOptions,
      entry: 'bench/speed/counting-server.ts',
      initializationOptions: { completion, repository },
    });
    await counting.untilState('ready');
    const fedTokens = async () => {
      const counts: CompletionCounts = await counting.connection.sendRequest(completionCountsRequest);
      return counts.fedTokens;
    };
    const whole = readFileSync(path.join(root, 'language-server', 'server', 'server.ts'), 'utf8').slice(0, 9000);
    const source = `${whole.slice(0, whole.lastIndexOf('\n'))}\n`;
    const at = source.split('\n').length - 1;
    const fed: number[] = [];
    await counting.open(long, source);
    let before = await fedTokens();
    // no character of it is what the model would say, so that none is answered from the cache
    for (const [index, key] of [...'zq9 _wx7 k'].entries()) {
      await counting.edit(long, index + 2, at, index, index, key);
      await counting.complete(long, at, index + 1);
      const now = await fedTokens();
      fed.push(now - before);
      before = now;
    }
    await counting.stop();
    expect(fed[0]).toBeGreaterThan(2000);
    expect(Math.max(...fed.slice(1))).toBeLessThanOrEqual(4);
    expect(Math.max(...fed.slice(1))).toBeGreaterThan(0);
  }, 300_000);

  test('answers like a fresh engine after a cancel in prefill and in decode', async () => {
    const place = 'file:///other/fresh.ts';
    const source = `${text.slice(600, 3000)}\nexport function last(list: string[]): string {\n  return list`;
    const at = { line: source.split('\n').length - 1, character: 13 };
    const answerOf = async (one: Client) => {
      await one.open(place, source);
      return (await one.invoke(place, at.line, at.character))[0];
    };
    const other = await startServer(startOptions);
    await other.untilState('ready');
    const fresh = await answerOf(other);
    await other.stop();
    const params = { textDocument: { uri: 'file:///other/cancelled.ts' }, position: at, context: { triggerKind: 2 } };
    await client.open('file:///other/cancelled.ts', source);
    for (const wait of [30, 300, 900]) {
      const source_ = new CancellationTokenSource();
      const cancelled = client.connection.sendRequest('textDocument/inlineCompletion', params, source_.token);
      await new Promise((resolve) => setTimeout(resolve, wait));
      source_.cancel();
      await cancelled.catch(() => undefined);
    }
    expect(await answerOf(client)).toBe(fresh);
    expect(fresh).toMatch(/^\S/);
  }, 300_000);

  test('completes at the same place after a cancel in prefill', async () => {
    const other = 'file:///other/clamp.ts';
    await client.open(
      other,
      `${text.slice(0, 1500)}\nexport function clamp(value: number, low: number): number {\n  return Math.`,
    );
    const at = { line: text.slice(0, 1500).split('\n').length + 1, character: 14 };
    const source = new CancellationTokenSource();
    const params = { textDocument: { uri: other }, position: at, context: { triggerKind: 2 } };
    const cancelled = client.connection.sendRequest('textDocument/inlineCompletion', params, source.token);
    await client.until('the work', () => client.status?.state === 'busy');
    source.cancel();
    await expect(cancelled).rejects.toMatchObject({ code: -32800 });
    expect(await client.completionText(other, at.line, at.character)).toMatch(/^(?:max|min|floor|abs|round)\(/);
  });

  test('streams the answer to a question about a file', async () => {
    const deltas: string[] = [];
    client.connection.onProgress(new ProgressType<{ text: string }>(), 1, (part) => {
      deltas.push(part.text);
    });
    const result: AskResult = await client.connection.sendRequest('fasa/ask', {
      conversation: 'a',
      question: 'What does language-server/base/text.ts do? Answer in one short sentence.',
      references: [],
      partialResultToken: 1,
    });
    expect(result.text.split(' ').length).toBeGreaterThan(4);
    expect(deltas.join('')).toBe(result.text);
    expect(deltas.length).toBeGreaterThan(3);
    expect(result.stats.tokensPerSecond).toBeGreaterThan(0);
    // no chunks are read: it looked at the file in the prompt
    const asked = path.join(root, 'language-server', 'base', 'text.ts');
    const [best] = result.citations;
    expect(best?.uri).toBe(pathToFileURL(asked).href);
    expect(best?.share).toBeGreaterThan(0.01);
    expect(best?.range.end.line).toBeLessThanOrEqual(readFileSync(asked, 'utf8').split('\n').length);
  }, 180_000);

  test('ends without a crash when its input closes in the middle of a prefill', async () => {
    const last = 'file:///other/last.ts';
    await client.open(last, `${text.slice(200, 2200)}\nlet a = `);
    client.complete(last, text.slice(200, 2200).split('\n').length, 8).catch(() => undefined);
    await client.until('the work', () => client.status?.state === 'busy');
    client.child.stdin?.end();
    expect(await client.exited).toBe(1);
    expect(client.child.signalCode).toBeNull();
  });
});
