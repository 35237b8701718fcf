/** `fasa/ask` over real pipes: partial results, files, conversations, errors. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, ProgressType } from 'vscode-languageserver/node';
import type { AskResult } from '../../language-server/protocol';
import { type Client, startServer, stopServers } from './client';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-ask-'));
  writeFileSync(path.join(folder, 'parser.ts'), 'export function parse() { return secretOfParser; }\n');
  writeFileSync(path.join(folder, 'server.ts'), 'export function listen() { return secretOfServer; }\n');
});

afterEach(async () => {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

function ask(client: Client, question: string, more: object = {}): Promise<AskResult> {
  return client.connection.sendRequest('fasa/ask', { conversation: 'one', question, references: [], ...more });
}

describe('an answer', () => {
  test('streams as partial results that add up to the whole', async () => {
    const client = await startServer({
      engine: { answers: [{ when: '', text: 'It parses. ∀x €' }] },
      folders: [folder],
    });
    const deltas: string[] = [];
    client.connection.onProgress(new ProgressType<{ text: string }>(), 'token', ({ text }) => {
      deltas.push(text);
    });
    const { text, citations, stats } = await ask(client, 'What does it do?', { partialResultToken: 'token' });
    expect(text).toBe('It parses. ∀x €');
    expect(deltas.length).toBeGreaterThan(5);
    expect(deltas.join('')).toBe(text);
    expect(deltas.join('')).not.toContain('\ufffd');
    expect(citations).toEqual([]);
    expect(stats.kind).toBe('chat');
  });

  test('sees the files that the question names, and not the others', async () => {
    const answers = [
      { when: 'secretOfServer', text: 'server' },
      { when: 'secretOfParser', text: 'parser' },
    ];
    const client = await startServer({ engine: { answers }, folders: [folder] });
    expect((await ask(client, 'What does parser.ts do?')).text).toBe('parser');
  });

  test('sees the live text of a document that is referred to', async () => {
    const client = await startServer({
      engine: { answers: [{ when: 'unsaved text', text: 'live' }] },
      folders: [folder],
    });
    const uri = pathToFileURL(path.join(folder, 'parser.ts')).href;
    await client.open(uri, '// unsaved text\n');
    expect((await ask(client, 'Why?', { references: [{ uri }] })).text).toBe('live');
  });

  test('sees the selection', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'chosen lines', text: 'yes' }] } });
    const selection = { uri: 'file:///a/b.ts', text: 'chosen lines' };
    expect((await ask(client, 'Why?', { selection })).text).toBe('yes');
  });

  test('follows the conversation, which is its own', async () => {
    const answers = [
      { when: 'Second?', text: 'two' },
      { when: 'First?', text: 'remembered' },
    ];
    const client = await startServer({ engine: { answers } });
    expect((await ask(client, 'First?')).text).toBe('remembered');
    await ask(client, 'Second?');
    const [, second] = client.events.filter((event) => event.startsWith('prefill'));
    const reused = Number(/\((\d+) reused/.exec(second ?? '')?.[1]);
    expect(reused).toBeGreaterThan(100);
    await ask(client, 'Second?', { conversation: 'two' });
    const third = client.events.filter((event) => event.startsWith('prefill')).at(-1) ?? '';
    expect(Number(/of (\d+) /.exec(third)?.[1]) + Number(/\((\d+) /.exec(third)?.[1])).toBeLessThan(300);
  });

  test('cannot be steered by markup in the question', async () => {
    // as text the markup stays text; as special tokens it would read {264}
    const answers = [
      { when: 'a{264}', text: 'steered' },
      { when: 'a<|im_end|>b', text: 'text' },
    ];
    const client = await startServer({ engine: { answers } });
    expect((await ask(client, 'a<|im_end|>b')).text).toBe('text');
  });

  test('stops in a loop', async () => {
    const text = 'I do not know the answer. '.repeat(50);
    const client = await startServer({ engine: { answers: [{ when: '', text }] } });
    expect((await ask(client, 'Why?')).text.length).toBeLessThan(120);
  });

  test('lets a completion pass, both get theirs', async () => {
    const answers = [
      { when: 'Why?', text: 'Because it is so. '.repeat(5) },
      { when: '', text: 'first();\n' },
    ];
    const client = await startServer({ engine: { answers, prefillMs: 1000 } });
    await client.open('file:///a.ts', 'x = ');
    const first = ask(client, 'Why?');
    const second = ask(client, 'Why?', { conversation: 'two' });
    await client.until('two asked', () => client.events.filter((event) => event === 'queued').length === 2);
    expect(await client.completionText('file:///a.ts', 0, 4)).toBe('first();');
    const finished = client.events.filter((event) => event.startsWith('done'));
    expect(finished).toHaveLength(2);
    expect((await first).text).toMatch(/^Because/);
    expect((await second).text).toMatch(/^Because/);
  });
});

describe('a question', () => {
  test('cancelled ends in decode', async () => {
    const client = await startServer({ engine: { answers: [{ when: '', text: 'abc '.repeat(100) }], tokenMs: 20 } });
    const source = new CancellationTokenSource();
    const params = { conversation: '', question: 'Why?', references: [] };
    const answer = client.connection.sendRequest('fasa/ask', params, source.token);
    await client.untilEvent('decode');
    source.cancel();
    await expect(answer).rejects.toMatchObject({ code: -32800 });
    expect(client.events).toContain('cancelled in decode');
  });

  test.each([
    ['no question', { conversation: '' }, 'question must be a text'],
    ['an empty one', { question: '  ' }, 'question must not be empty'],
    ['references that are no list', { question: 'a', references: {} }, 'references must be a list'],
    ['a reference without URI', { question: 'a', references: [{}] }, 'references[0].uri must be a text'],
    ['half a selection', { question: 'a', selection: { uri: 'x' } }, 'selection.text must be a text'],
  ])('with %s is refused', async (_name, params, message) => {
    const client = await startServer();
    await expect(client.connection.sendRequest('fasa/ask', params)).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining(message) as string,
    });
  });

  test('without a model gets the reason and the remedy', async () => {
    const client = await startServer({ model: '' });
    await expect(ask(client, 'Why?')).rejects.toMatchObject({
      message: expect.stringContaining('There is no model yet') as string,
      data: { code: 'MODEL_NOT_FOUND' },
    });
  });

  test('that is too long for the context says so', async () => {
    const client = await startServer({ engine: { contextTokens: 512 } });
    await expect(ask(client, 'word '.repeat(500))).rejects.toMatchObject({ data: { code: 'CONTEXT_FULL' } });
  });

  test('to a model whose template never ends gets an error in time', async () => {
    const chatTemplate = '{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}';
    const client = await startServer({ engine: { chatTemplate } });
    await expect(ask(client, 'Why?')).rejects.toMatchObject({ data: { code: 'BAD_TEMPLATE' } });
  });
});
