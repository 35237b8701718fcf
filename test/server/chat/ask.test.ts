/** `fasa/ask` over real pipes: partial results, files, conversations, errors. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, ProgressType } from 'vscode-languageserver/node';
import type { AskResult, AskSize, ChatResult, Citation } from '../../../language-server/protocol/server';
import { type Client, startServer, stopServers } from '../tools/client';

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

/** Forty lines; the needle is in line 20. */
function planted(): string {
  const lines = Array.from({ length: 40 }, (_, line) => `const a${line} = ${line}; // filler\n`);
  lines[20] = 'const planted = "the needle is here";\n';
  return lines.join('');
}

/** An engine that looks at the needle; the repository, one file more than the two, is encoded. */
async function startWithNeedle(): Promise<Client> {
  const client = await startServer({
    engine: {
      contextTokens: 4096,
      fasaFromTokens: 64,
      repository: {},
      looksAt: 'the needle is here',
      answers: [{ when: '', text: 'It is planted.' }],
    },
    folders: [folder],
  });
  await client.until('all encoded', () => client.status?.repository?.filesEncoded === 3);
  return client;
}

function expectNeedle(citation: Citation | undefined, uri: string): void {
  expect(citation?.uri).toBe(uri);
  expect(citation?.range.start.line).toBeGreaterThanOrEqual(18);
  expect(citation?.range.start.line).toBeLessThanOrEqual(20);
  expect(citation?.range.end.line).toBeGreaterThanOrEqual(21);
  expect(citation?.range.end.line).toBeLessThanOrEqual(23);
  expect(citation?.share).toBeGreaterThan(0.45);
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

  test('reads the files that the question names, and no others', async () => {
    const answers = [
      { when: 'secretOfServer', text: 'server' },
      { when: 'secretOfParser', text: 'parser' },
    ];
    const client = await startServer({ engine: { answers }, folders: [folder] });
    expect((await ask(client, 'What does parser.ts do?')).text).toBe('parser');
  });

  test('reads the live text of an open document that the question refers to', async () => {
    const client = await startServer({
      engine: { answers: [{ when: 'unsaved text', text: 'live' }] },
      folders: [folder],
    });
    const uri = pathToFileURL(path.join(folder, 'parser.ts')).href;
    await client.open(uri, '// unsaved text\n');
    expect((await ask(client, 'Why?', { references: [{ uri }] })).text).toBe('live');
  });

  test('reads the selection', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'chosen lines', text: 'yes' }] } });
    const selection = { uri: 'file:///a/b.ts', text: 'chosen lines' };
    expect((await ask(client, 'Why?', { selection })).text).toBe('yes');
  });

  test('continues its own conversation and no other', async () => {
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

  test('stops when the model loops', async () => {
    const text = 'I do not know the answer. '.repeat(50);
    const client = await startServer({ engine: { answers: [{ when: '', text }] } });
    expect((await ask(client, 'Why?')).text.length).toBeLessThan(120);
  });

  test('lets a completion run first, and both are answered', async () => {
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

describe('the size of a question', () => {
  const sizeOf = (client: Client, params: object): Promise<AskSize> =>
    client.connection.sendRequest('fasa/ask/size', { conversation: 'one', references: [], ...params });

  test('counts the tokens of every part, and gives the reason for what is left out', async () => {
    writeFileSync(path.join(folder, 'long.ts'), '// twelve bytes\n'.repeat(400));
    writeFileSync(path.join(folder, '.env'), 'SECRET=1\n');
    const client = await startServer({ engine: { contextTokens: 4096 }, folders: [folder] });
    const uri = (name: string) => ({ uri: pathToFileURL(path.join(folder, name)).href });
    const size = await sizeOf(client, {
      question: 'Why?',
      selection: { ...uri('parser.ts'), text: 'chosen' },
      attachments: [{ label: 'Problems', text: 'none' }],
      references: [uri('server.ts'), uri('long.ts'), uri('.env'), { uri: 'https://example.org/x.ts' }],
    });
    const part = (label: string) => size.parts.find((one) => one.label === label);
    expect(part('Question')).toMatchObject({ kind: 'question', tokens: 4, includedTokens: 4 });
    expect(part('parser.ts')).toMatchObject({ kind: 'selection', tokens: 'Selected in parser.ts:\nchosen\n'.length });
    expect(part('Problems')).toMatchObject({ kind: 'attachment', tokens: 'Problems:\nnone\n'.length });
    expect(part('server.ts')?.reason).toBeUndefined();
    const long = part('long.ts');
    expect(long).toMatchObject({
      kind: 'file',
      tokens: 6400 + '// long.ts\n'.length,
      reason: 'only its beginning fits',
    });
    expect(long?.includedTokens).toBeGreaterThan(1000);
    expect(part('.env')).toMatchObject({ includedTokens: 0, reason: 'secret' });
    expect(part('x.ts')).toMatchObject({ includedTokens: 0, reason: 'not in the workspace' });
    expect(size).toMatchObject({ fits: true, answerTokens: 512, roomTokens: 3584 });
    expect(size.tokens).toBe(size.parts.reduce((sum, one) => sum + one.includedTokens, 0));
    expect(size.tokens).toBeLessThanOrEqual(size.roomTokens);
  });

  test('equals the size that the answer reports', async () => {
    const client = await startServer({ engine: { answers: [{ when: '', text: 'yes' }] }, folders: [folder] });
    const question = 'What does parser.ts do?';
    const before = await sizeOf(client, { question });
    expect((await ask(client, question)).size).toEqual(before);
    expect(before.parts.map(({ kind, label }) => `${kind} ${label}`)).toContain('related parser.ts');
  });

  test('reports that a question does not fit', async () => {
    const client = await startServer({ engine: { contextTokens: 512 } });
    expect(await sizeOf(client, { question: 'word '.repeat(500) })).toMatchObject({ fits: false });
  });

  test('includes the files of a folder', async () => {
    mkdirSync(path.join(folder, 'sub'));
    writeFileSync(path.join(folder, 'sub', 'a.ts'), 'a\n');
    writeFileSync(path.join(folder, 'sub', 'b.ts'), 'b\n');
    const client = await startServer({ folders: [folder] });
    const { parts } = await sizeOf(client, {
      question: 'Why?',
      references: [{ uri: pathToFileURL(path.join(folder, 'sub')).href }],
    });
    expect(parts.filter(({ kind }) => kind === 'file').map(({ label }) => label)).toEqual(['sub/a.ts', 'sub/b.ts']);
  });
});

describe('retrieved chunks', () => {
  test('are read beside the prompt, and the answer cites those it attended to', async () => {
    writeFileSync(path.join(folder, 'far.ts'), planted());
    const client = await startWithNeedle();
    const { citations, size } = await ask(client, 'Where is the pin?');
    expect(size?.repositoryTokens).toBeGreaterThan(1000);
    expect(size?.parts.filter(({ kind }) => kind === 'related')).toEqual([]);
    expectNeedle(citations[0], pathToFileURL(path.join(folder, 'far.ts')).href);
    // what is in the prompt is not read beside it
    const whole = size?.repositoryTokens ?? 0;
    const named = await ask(client, 'What does far.ts do?', { conversation: 'two' });
    expect(named.size?.repositoryTokens).toBeLessThan(whole - 1000);
    const uri = pathToFileURL(path.join(folder, 'far.ts')).href;
    expectNeedle(named.citations[0], uri);
    // the next turn reads the file where the first one has it
    expectNeedle((await ask(client, 'Why?', { conversation: 'two' })).citations[0], uri);
  });

  test('are read if the prompt has only the beginning of their file', async () => {
    const filler = 'const filler = "of the first lines";\n';
    writeFileSync(path.join(folder, 'long.ts'), `${filler.repeat(280)}${planted()}`);
    const client = await startWithNeedle();
    const { citations, size } = await ask(client, 'What does long.ts do?');
    expect(size?.parts.find(({ label }) => label === 'long.ts')?.reason).toBe('only its beginning fits');
    const { range, share } = citations[0] ?? {};
    expect(range?.start.line).toBeGreaterThanOrEqual(280 + 18);
    expect(range?.end.line).toBeLessThanOrEqual(280 + 23);
    expect(share).toBeGreaterThan(0.45);
    // those that are all in the beginning are not
    expect(size?.repositoryTokens).toBeLessThan(10_360 + 1250 - 1024);
  });

  test('are not needed to cite the current file', async () => {
    const uri = pathToFileURL(path.join(folder, 'live.ts')).href;
    const client = await startServer({
      engine: { looksAt: 'the needle is here', answers: [{ when: '', text: 'It is planted.' }] },
      folders: [folder],
    });
    await client.open(uri, planted());
    const references = [{ uri }];
    expectNeedle((await ask(client, 'Where is the pin?', { references })).citations[0], uri);
    // a document that has no file
    await client.open('untitled:Untitled-1', planted());
    const unsaved = { conversation: 'two', references: [{ uri: 'untitled:Untitled-1' }] };
    expectNeedle((await ask(client, 'Where is the pin?', unsaved)).citations[0], 'untitled:Untitled-1');
  });

  test('are not needed to cite a selection whose line is known', async () => {
    const uri = pathToFileURL(path.join(folder, 'far.ts')).href;
    const client = await startServer({
      engine: { looksAt: 'the needle is here', answers: [{ when: '', text: 'It is planted.' }] },
    });
    const text = planted().split('\n').slice(12).join('\n');
    const asked = (selection: object, conversation: string) =>
      ask(client, 'Why?', { conversation, selection: { uri, text, ...selection } });
    expectNeedle((await asked({ firstLine: 12 }, 'one')).citations[0], uri);
    expect((await asked({}, 'two')).citations).toEqual([]);
    // asked again when the document has changed, it is not where it was
    await client.open(uri, planted());
    expectNeedle((await asked({ firstLine: 12 }, 'four')).citations[0], uri);
    expect((await asked({ firstLine: 11 }, 'five')).citations).toEqual([]);
    await expect(asked({ firstLine: -1 }, 'three')).rejects.toMatchObject({ code: -32602 });
  });

  test('are not read in an untrusted workspace', async () => {
    const client = await startServer({
      engine: { fasaFromTokens: 64, repository: {}, answers: [{ when: '', text: 'yes' }] },
      folders: [folder],
    });
    await client.until('all encoded', () => client.status?.repository?.filesEncoded === 2);
    const reference = { uri: pathToFileURL(path.join(folder, 'parser.ts')).href };
    const { size } = await ask(client, 'What does server.ts do?', { openOnly: true, references: [reference] });
    expect(size?.repositoryTokens).toBeUndefined();
    expect(size?.parts.filter(({ kind }) => kind === 'related' || kind === 'file')).toEqual([
      { kind: 'file', label: 'parser.ts', includedTokens: 0, reason: 'not open, and the workspace is not trusted' },
    ]);
  });
});

describe('a command', () => {
  test('is put into words for the model, with or without a question', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'Review this code', text: 'fine' }] } });
    expect((await ask(client, '', { command: 'review' })).text).toBe('fine');
    expect((await ask(client, 'Mind the locks.', { command: 'review' })).text).toBe('fine');
  });

  test('that is unknown is rejected', async () => {
    const client = await startServer();
    await expect(ask(client, 'a', { command: 'rm' })).rejects.toMatchObject({ code: -32602 });
  });
});

describe('a history', () => {
  test('replaces the remembered turns, and keeps those that are still in it', async () => {
    const answers = [
      { when: 'Third?', text: 'three' },
      { when: 'Second?', text: 'two' },
      { when: 'First?', text: 'one' },
    ];
    const client = await startServer({ engine: { answers }, folders: [folder] });
    await ask(client, 'First? parser.ts');
    await ask(client, 'Second?');
    const prompt = () =>
      Number(/of (\d+) \((\d+)/.exec(client.events.filter((event) => event.startsWith('prefill')).at(-1) ?? '')?.[2]);
    // the second turn is asked anew, behind the first with its file
    const history = [{ question: 'First? parser.ts', answer: 'one' }];
    expect((await ask(client, 'Third?', { history })).text).toBe('three');
    expect(prompt()).toBeGreaterThan(250);
    expect((await ask(client, 'Third?', { history: [] })).text).toBe('three');
    expect(prompt()).toBeLessThan(250);
  });

  test('from before a restart of the server is read again', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'said before', text: 'remembered' }] } });
    const history = [{ question: 'Was it?', answer: 'It was said before.' }];
    expect((await ask(client, 'Why?', { history })).text).toBe('remembered');
  });
});

describe("the editor's own chat", () => {
  test('gets answers to its messages, and counts of tokens', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'one\n\ntwo', text: 'yes' }] } });
    const messages = [
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'one' },
      { role: 'user', text: 'two' },
    ];
    const result = await client.connection.sendRequest<ChatResult>('fasa/chat', { messages, maxTokens: 10 });
    expect(result).toMatchObject({ text: 'yes', stats: { kind: 'chat', tokens: 3 } });
    const counts = await client.connection.sendRequest('fasa/countTokens', { texts: ['', 'a€', '<|im_end|>'] });
    expect(counts).toEqual({ counts: [0, 4, 10] });
  });

  test.each([
    ['no messages', {}, 'messages must be a list'],
    ["a tool's message", { messages: [{ role: 'tool', text: 'x' }] }, 'messages[0].role must be'],
    ['no question', { messages: [{ role: 'system', text: 'x' }] }, 'messages must hold a question'],
  ])('with %s is rejected', async (_name, params, message) => {
    const client = await startServer();
    await expect(client.connection.sendRequest('fasa/chat', params)).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining(message) as string,
    });
  });

  test('can cancel an answer', async () => {
    const client = await startServer({ engine: { answers: [{ when: '', text: 'abc '.repeat(100) }], tokenMs: 20 } });
    const source = new CancellationTokenSource();
    const params = { messages: [{ role: 'user', text: 'Why?' }] };
    const answer = client.connection.sendRequest('fasa/chat', params, source.token);
    await client.untilEvent('decode');
    source.cancel();
    await expect(answer).rejects.toMatchObject({ code: -32800 });
    expect(client.events).toContain('cancelled in decode');
  });
});

describe('a question', () => {
  test('that is cancelled stops decoding', async () => {
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
    ['no question', { conversation: '' }, 'question must be a string'],
    ['an empty one', { question: '  ' }, 'question must not be empty'],
    ['references that are no list', { question: 'a', references: {} }, 'references must be a list'],
    ['a reference without URI', { question: 'a', references: [{}] }, 'references[0].uri must be a string'],
    ['half a selection', { question: 'a', selection: { uri: 'x' } }, 'selection.text must be a string'],
  ])('with %s is rejected', async (_name, params, message) => {
    const client = await startServer();
    await expect(client.connection.sendRequest('fasa/ask', params)).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining(message) as string,
    });
  });

  test('without a model is rejected with the reason and the remedy', async () => {
    const client = await startServer({ model: '' });
    await expect(ask(client, 'Why?')).rejects.toMatchObject({
      message: expect.stringContaining('There is no model yet') as string,
      data: { code: 'MODEL_NOT_FOUND' },
    });
  });

  test('that is too long for the context is rejected with that reason', async () => {
    const client = await startServer({ engine: { contextTokens: 512 } });
    await expect(ask(client, 'word '.repeat(500))).rejects.toMatchObject({ data: { code: 'CONTEXT_FULL' } });
  });

  test('to a model whose template never ends is rejected in time', async () => {
    const chatTemplate = '{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}';
    const client = await startServer({ engine: { chatTemplate } });
    await expect(ask(client, 'Why?')).rejects.toMatchObject({ data: { code: 'BAD_TEMPLATE' } });
  });
});
