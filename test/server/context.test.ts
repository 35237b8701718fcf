/** A repository as context, over real pipes: what is encoded when, what a request reads of it, what follows an edit. */

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, WorkDoneProgress } from 'vscode-languageserver/node';
import type { ClearCacheResult, ContextFile, ContextResult } from '../../language-server/protocol/server';
import { type Client, type StartOptions, startServer, stopServers } from './tools/client';
import type { FakeOptions } from './tools/fake-engine';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-context-'));
});

afterEach(async () => {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

const url = (name: string) => pathToFileURL(path.join(folder, name)).href;

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

/** A client that tells of files itself, as editors do. */
const telling = { workspace: { workspaceFolders: true, didChangeWatchedFiles: { dynamicRegistration: true } } };

function start(engine: FakeOptions = {}, options: StartOptions = {}): Promise<Client> {
  return startServer({
    folders: [folder],
    capabilities: telling,
    ...options,
    engine: { answers: [{ when: '', text: 'done();\n' }], repository: {}, ...engine },
  });
}

const encodedTexts = (client: Client) =>
  client.events
    .filter((event) => event.startsWith('encoded '))
    .map((event) => JSON.parse(event.slice('encoded '.length)) as string);

/** Of the last request: `// a.ts 0.0, // b.ts -1.2`. */
const lastRead = (client: Client) =>
  client.events
    .filter((event) => event.startsWith('reads '))
    .at(-1)
    ?.slice('reads '.length) ?? '';

function untilEncoded(client: Client): Promise<void> {
  return client.until('the repository to be encoded', () => {
    const repository = client.status?.repository;
    return (
      client.status?.state === 'ready' &&
      repository !== undefined &&
      repository.files > 0 &&
      repository.encoding === undefined &&
      repository.filesEncoded === repository.files
    );
  });
}

function tell(client: Client, ...names: string[]): Promise<void> {
  return client.connection.sendNotification('workspace/didChangeWatchedFiles', {
    changes: names.map((name) => ({ uri: url(name), type: 2 })),
  });
}

async function contextFiles(client: Client, uri?: string): Promise<readonly ContextFile[]> {
  const { folders } = await client.connection.sendRequest<ContextResult>(
    'fasa/context',
    uri === undefined ? {} : { uri },
  );
  return folders[0]?.files ?? [];
}

const state = (files: readonly ContextFile[], name: string) => {
  const file = files.find((one) => one.path === name);
  return file === undefined ? undefined : (file.reason ?? file.state);
};

describe('a repository', () => {
  test('is encoded in the background, and read by a completion, without the document itself', async () => {
    write({
      'a.ts': 'export function alphaBeta() {}\n',
      'b.ts': 'export function gamma() {}\n',
      'main.ts': 'old text of main\n',
    });
    const client = await start();
    await untilEncoded(client);
    expect(encodedTexts(client).sort()).toEqual([
      '// a.ts\nexport function alphaBeta() {}\n',
      '// b.ts\nexport function gamma() {}\n',
      '// main.ts\nold text of main\n',
    ]);
    await client.open(url('main.ts'), 'x = alphaBeta');
    expect(await client.completionText(url('main.ts'), 0, 13)).toBe('done();');
    // the most like chunk has prior 0, the other less; the document's own is not among them
    expect(lastRead(client)).toMatch(/^(?=.*\/\/ a\.ts 0\.0)(?=.*\/\/ b\.ts -[1-9])(?!.*main\.ts).*$/);
    expect(client.status?.repository).toMatchObject({ files: 3, filesEncoded: 3, leftOut: {} });
  });

  test('says how far it is, and is in the state encoding meanwhile', async () => {
    write(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f${index}.ts`, `x${index};\n`.repeat(60)])));
    const client = await start({ repository: { encodeMs: 150 } });
    await untilEncoded(client);
    const seen = client.statuses.map(({ status }) => status).filter((status) => status.state === 'encoding');
    expect(seen.length).toBeGreaterThan(2);
    const progress = seen.flatMap(({ repository }) =>
      repository?.encoding === undefined ? [] : [repository.encoding],
    );
    expect(progress).toHaveLength(seen.length);
    for (const { filesDone, files, tokensDone, tokens } of progress) {
      expect(filesDone).toBeLessThanOrEqual(files);
      expect(tokensDone).toBeLessThanOrEqual(tokens);
      expect(files).toBeLessThanOrEqual(12);
    }
    expect(progress.at(-1)?.tokensDone).toBeGreaterThan(progress[0]?.tokensDone ?? 0);
    expect(progress.at(-1)?.secondsLeft).toBeGreaterThanOrEqual(0);
  });

  test('does not delay a request while it is encoded', async () => {
    write(Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}.ts`, `x${index};\n`.repeat(60)])));
    const client = await start({ repository: { encodeMs: 50 } });
    await client.untilEvent('encoded ');
    await client.open(url('main.ts'), 'x = ');
    const times: number[] = [];
    for (let at = 0; at < 8; at++) {
      const started = performance.now();
      // a line of its own each time: nothing comes from the cache of suggestions
      await client.edit(url('main.ts'), at + 2, 0, 0, 0, `y${at} = ${at};\n`);
      expect(await client.completionText(url('main.ts'), at + 1, 4)).toBe('done();');
      times.push(performance.now() - started);
    }
    expect(client.status?.repository?.filesEncoded).toBeLessThan(200);
    // a step of 50 ms may be running; encoding all takes ten seconds, and none of them waited for that
    expect(times.sort((left, right) => left - right)[4]).toBeLessThan(7000);
  });

  test('is ordered by relevance: what is open and what that imports comes first', async () => {
    write({ 'a.ts': 'a;\n', 'b.ts': 'b;\n', 'z/open.ts': "import { used } from './used';\n", 'z/used.ts': 'used;\n' });
    const client = await start({ loadMs: 400, repository: { encodeMs: 100 } });
    await client.open(url('z/open.ts'), "import { used } from './used';\n");
    await untilEncoded(client);
    const paths = encodedTexts(client).map((text) => text.slice(3, text.indexOf('\n')));
    expect(paths.slice(0, 2)).toEqual(['z/open.ts', 'z/used.ts']);
    expect((await contextFiles(client, url('b.ts')))[0]?.path).toBe('b.ts');
  });

  test('never gets secrets, ignored, generated or excluded files', async () => {
    write({
      '.gitignore': 'out/\n',
      '.fasaignore': 'private.ts\n',
      'out/built.ts': 'hush1\n',
      'private.ts': 'hush2\n',
      'secret/.env': 'KEY=hush3\n',
      'key.ts': `const key = "ghp_${'a1B2'.repeat(9)}"; // hush4\n`,
      'package-lock.json': '{"hush5": 1}\n',
      'docs/api.ts': 'hush6\n',
      'in.ts': 'fine\n',
    });
    const client = await start({}, { initializationOptions: { repository: { exclude: ['docs'] } } });
    await untilEncoded(client);
    expect(client.events.join('\n')).not.toMatch(/hush/);
    expect(client.status?.repository?.leftOut).toEqual({
      ignored: 2,
      secret: 2,
      generated: 1,
      'excluded by a setting': 1,
    });
    const files = await contextFiles(client);
    expect(state(files, 'in.ts')).toBe('encoded');
    expect(state(files, 'out/')).toBe('ignored');
    expect(state(files, 'key.ts')).toBe('secret');
    expect(state(files, 'docs/')).toBe('excluded by a setting');
  });

  test('over the budget is read in part, and what is out is said', async () => {
    write({ 'a.ts': 'a'.repeat(300), 'b.ts': 'b'.repeat(300), 'c.ts': 'c'.repeat(300) });
    const client = await start({}, { initializationOptions: { repository: { tokens: 700 } } });
    await untilEncoded(client);
    expect(client.status?.repository).toMatchObject({ files: 2, leftOut: { 'over the budget': 1 } });
    expect(state(await contextFiles(client), 'c.ts')).toBe('over the budget');
    // what is opened comes in, what is least relevant goes
    await client.open(url('c.ts'), 'c');
    await client.until('c.ts', () => encodedTexts(client).some((text) => text.startsWith('// c.ts')));
    await untilEncoded(client);
    expect(state(await contextFiles(client), 'b.ts')).toBe('over the budget');
  });

  test('that is turned off, or of an engine without chunks, is not read', async () => {
    write({ 'a.ts': 'a;\n' });
    const client = await start({}, { initializationOptions: { repository: { enabled: false } } });
    await client.untilState('ready');
    await client.open(url('main.ts'), 'x = ');
    expect(await client.completionText(url('main.ts'), 0, 4)).toBe('done();');
    expect(client.events.some((event) => event.startsWith('reads') || event.startsWith('encoded'))).toBe(false);
    expect(client.status?.repository).toBeUndefined();
  });

  test('of a question is read by the answer', async () => {
    write({ 'a.ts': 'export const answer = 42;\n' });
    const client = await start();
    await untilEncoded(client);
    await client.connection.sendRequest('fasa/ask', {
      conversation: '',
      question: 'What is the answer?',
      references: [],
    });
    expect(lastRead(client)).toBe('// a.ts 0.0');
  });
});

describe('the precision', () => {
  test('of the setting reaches the engine; changed, all is encoded again in the other one, without a restart', async () => {
    write({ 'a.ts': 'export const answer = 42;\n' });
    const tokens = '// a.ts\nexport const answer = 42;\n'.length;
    const client = await start({}, { initializationOptions: { repository: { precision: 'q8_0' } } });
    await untilEncoded(client);
    expect(client.events).toContain('chunks of q8_0');
    // of a token, as the fake engine has it: half of f16's rows and the importance keys
    expect(client.status?.repository?.diskBytes).toBe(tokens * 608);
    await client.connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { fasa: { repository: { precision: 'f16' } } },
    });
    await client.untilEvent('chunks of f16');
    await client.until('the other bytes', () => client.status?.repository?.diskBytes === tokens * 1100);
    expect(encodedTexts(client)).toHaveLength(2);
    expect(client.child.exitCode).toBeNull();
  });

  test('that is none is refused in the log, and f16 is used', async () => {
    write({ 'a.ts': 'a;\n' });
    const client = await start({}, { initializationOptions: { repository: { precision: 'q4_0' } } });
    await untilEncoded(client);
    expect(client.events).toContain('chunks of f16');
    expect(client.logs.join('\n')).toMatch(/Setting repository\.precision must be one of f16, q8_0/);
  });
});

test('a chunk whose file was cut short is left out of that request, encoded again, and read by the next', async () => {
  write({ 'a.ts': 'export const alpha = 1;\n', 'b.ts': 'export const beta = 2;\n' });
  const client = await start({ repository: { loses: 'alpha' } });
  await untilEncoded(client);
  const [name, text] = [url('main.ts'), 'x = '];
  await client.open(name, text);
  expect(await client.completionText(name, 0, 4)).toBe('done();');
  expect(lastRead(client)).not.toContain('a.ts');
  expect(lastRead(client)).toContain('b.ts');
  await client.until('the second time', () => encodedTexts(client).filter((one) => one.includes('alpha')).length === 2);
  await untilEncoded(client);
  await client.edit(name, 2, 0, 0, 0, 'y = 1;\n');
  expect(await client.completionText(name, 1, 4)).toBe('done();');
  expect(lastRead(client)).toMatch(/^(?=.*a\.ts)(?=.*b\.ts)(?!.*DISPOSED)/);
  expect(encodedTexts(client).filter((one) => one.includes('beta'))).toHaveLength(1);
});

describe('after an edit', () => {
  const functions = Array.from({ length: 60 }, (_, at) => `export function f${at}() {\n  return ${at};\n}\n\n`);

  test('only the changed chunks are encoded again', async () => {
    write({ 'a.ts': functions.join(''), 'b.ts': 'b;\n' });
    const client = await start();
    await untilEncoded(client);
    const before = encodedTexts(client).length;
    expect(before).toBeGreaterThan(4);
    write({ 'a.ts': `// one more line\n${functions.join('')}` });
    await tell(client, 'a.ts');
    await client.until('the new line', () => encodedTexts(client).some((text) => text.includes('one more line')));
    await untilEncoded(client);
    expect(encodedTexts(client).length - before).toBeLessThanOrEqual(2);
  });

  test('that changes nothing, nothing is encoded', async () => {
    write({ 'a.ts': 'a;\n', 'b.ts': 'b;\n' });
    const client = await start();
    await untilEncoded(client);
    write({ 'a.ts': 'a;\n', 'b.ts': 'b2;\n' });
    await tell(client, 'a.ts', 'b.ts');
    await client.until('b.ts', () => encodedTexts(client).some((text) => text.includes('b2')));
    expect(encodedTexts(client).filter((text) => text.startsWith('// a.ts'))).toHaveLength(1);
  });

  test('and back, as of a branch, chunks are found by their address', async () => {
    write({ 'a.ts': 'one;\n', 'b.ts': 'b;\n' });
    const client = await start();
    await untilEncoded(client);
    write({ 'a.ts': 'two;\n', 'c.ts': 'c;\n' });
    rmSync(path.join(folder, 'b.ts'));
    await tell(client, 'a.ts', 'b.ts', 'c.ts');
    await client.until('c.ts', () => encodedTexts(client).some((text) => text.startsWith('// c.ts')));
    await untilEncoded(client);
    const encoded = encodedTexts(client).length;
    write({ 'a.ts': 'one;\n', 'b.ts': 'b;\n' });
    rmSync(path.join(folder, 'c.ts'));
    await tell(client, 'a.ts', 'b.ts', 'c.ts');
    await client.until('both', () => ['a', 'b'].every((name) => client.events.includes(`opened // ${name}.ts`)));
    await untilEncoded(client);
    expect(encodedTexts(client)).toHaveLength(encoded);
    expect((await contextFiles(client)).map((file) => file.path)).toEqual(['a.ts', 'b.ts']);
  });

  test('of two hundred files at once, all follow, and typing goes on', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `src/f${index}.ts`);
    write(Object.fromEntries(names.map((name) => [name, `before(${name.length});\n`])));
    const client = await start({ repository: { encodeMs: 1 } });
    await untilEncoded(client);
    write(Object.fromEntries(names.map((name) => [name, `after(${name.length});\n`])));
    await tell(client, ...names);
    await client.open(url('main.ts'), 'x = ');
    expect(await client.completionText(url('main.ts'), 0, 4)).toBe('done();');
    await client.until('all', () => encodedTexts(client).filter((text) => text.includes('after(')).length === 200);
    await untilEncoded(client);
    expect(client.status?.repository?.files).toBe(200);
  });

  test('a file that is gone, or became a folder, is read no more', async () => {
    write({ 'a.ts': 'a;\n', 'b.ts': 'b;\n', 'c.ts': 'c;\n' });
    const client = await start();
    await untilEncoded(client);
    rmSync(path.join(folder, 'a.ts'));
    rmSync(path.join(folder, 'b.ts'));
    write({ 'b.ts/inner.ts': 'inner;\n' });
    await tell(client, 'a.ts', 'b.ts', 'b.ts/inner.ts');
    await client.until('the inner file', () => encodedTexts(client).some((text) => text.includes('inner')));
    await untilEncoded(client);
    await client.open(url('main.ts'), 'x = ');
    await client.complete(url('main.ts'), 0, 4);
    expect(
      lastRead(client)
        .split(', ')
        .map((one) => one.split(' ')[1])
        .sort(),
    ).toEqual(['b.ts/inner.ts', 'c.ts']);
  });

  test('of the rules, files come and go', async () => {
    write({ 'a.ts': 'a;\n', 'b.ts': 'b;\n' });
    const client = await start();
    await untilEncoded(client);
    write({ '.gitignore': 'b.ts\n' });
    await tell(client, '.gitignore');
    await client.until('b.ts to go', () => client.status?.repository?.leftOut['ignored'] === 1);
    expect(state(await contextFiles(client), 'b.ts')).toBe('ignored');
  });

  test('without a client that tells of it, the server sees it itself', async () => {
    write({ 'src/a.ts': 'a;\n' });
    const client = await start({}, { capabilities: {} });
    await untilEncoded(client);
    write({ 'src/a.ts': 'changed;\n', 'src/new.ts': 'fresh;\n' });
    await client.until('both', () => {
      const texts = encodedTexts(client).join();
      return texts.includes('changed') && texts.includes('fresh');
    });
    renameSync(path.join(folder, 'src'), path.join(folder, 'lib'));
    await client.until('the folder', () => encodedTexts(client).some((text) => text.startsWith('// lib/new.ts')));
  });
});

describe('the user', () => {
  test('excludes a file and a folder, includes one that is ignored, and takes it back', async () => {
    write({ '.gitignore': 'out/\n', 'a.ts': 'a;\n', 'b/c.ts': 'c;\n', 'out/d.ts': 'd;\n', 'b/.env': 'hush\n' });
    const client = await start();
    await untilEncoded(client);
    const choose = (name: string, choice: string) =>
      client.connection.sendRequest('fasa/context/choose', { uri: url(name), choice });
    await choose('a.ts', 'exclude');
    await choose('b', 'exclude');
    await choose('out/d.ts', 'include');
    let files = await contextFiles(client);
    expect(files.find((file) => file.path === 'a.ts')).toMatchObject({ reason: 'excluded by you', choice: 'exclude' });
    expect(state(files, 'b/')).toBe('excluded by you');
    expect(files.find((file) => file.path === 'out/d.ts')).toMatchObject({ choice: 'include' });
    await client.until('d.ts', () => encodedTexts(client).some((text) => text.startsWith('// out/d.ts')));
    await choose('b/.env', 'include');
    await choose('a.ts', 'default');
    files = await contextFiles(client);
    expect(state(files, 'a.ts')).not.toBe('excluded by you');
    expect(client.events.join('\n')).not.toContain('hush');
    await expect(choose('../elsewhere.ts', 'include')).rejects.toMatchObject({ data: { code: 'BAD_ARGUMENT' } });
    await expect(choose('a.ts', 'maybe')).rejects.toMatchObject({ code: -32602 });
  });

  test('includes a file that looks like a secret after one question, which says what was seen and where', async () => {
    const token = ['ghp', 'q8Zr4TkV0bYx2LmN7cWd9HsJ3fGa6PeUiB1o'].join('_');
    write({ 'a.ts': 'a;\n', 'config.ts': `one;\nexport const t = '${token}';\n`, '.env': 'MODE=test\n' });
    const client = await start();
    await untilEncoded(client);
    const choose = (name: string, confirmed?: boolean) =>
      client.connection.sendRequest('fasa/context/choose', { uri: url(name), choice: 'include', confirmed });
    expect(await choose('config.ts')).toEqual({ secret: { by: 'content', what: 'a GitHub token', line: 2 } });
    expect(await choose('.env')).toEqual({ secret: { by: 'name' } });
    let files = await contextFiles(client);
    expect(state(files, 'config.ts')).toBe('secret');
    expect(files.find((file) => file.path === 'config.ts')?.choice).toBeUndefined();
    expect(await choose('config.ts', true)).toBeNull();
    expect(await choose('.env', true)).toBeNull();
    files = await contextFiles(client);
    expect(
      files.filter(({ path: name }) => name !== 'a.ts').sort((left, right) => (left.path < right.path ? -1 : 1)),
    ).toMatchObject([
      { path: '.env', choice: 'include', tokens: expect.any(Number) },
      { path: 'config.ts', choice: 'include' },
    ]);
    await client.until('both', () => encodedTexts(client).filter((text) => /config|MODE/.test(text)).length === 2);
    await expect(
      client.connection.sendRequest('fasa/context/choose', { uri: url('a.ts'), choice: 'include', confirmed: 'yes' }),
    ).rejects.toMatchObject({ code: -32602 });
  });

  test('includes a folder without the secrets in it, and without a question', async () => {
    write({ '.gitignore': 'out/\n', 'b.ts': 'b;\n', 'out/a.ts': 'a;\n', 'out/.env': 'hush\n' });
    const client = await start();
    await untilEncoded(client);
    expect(
      await client.connection.sendRequest('fasa/context/choose', { uri: url('out'), choice: 'include' }),
    ).toBeNull();
    const files = await contextFiles(client);
    expect(state(files, 'out/.env')).toBe('secret');
    await client.until('a.ts', () => encodedTexts(client).some((text) => text.startsWith('// out/a.ts')));
    expect(client.events.join('\n')).not.toContain('hush');
  });

  test('pauses and resumes', async () => {
    write(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}.ts`, `x${index};\n`.repeat(60)])));
    const client = await start({ repository: { encodeMs: 50 } });
    await client.untilEvent('encoded ');
    await client.connection.sendRequest('fasa/pause');
    await client.until('paused', () => client.status?.repository?.paused === 'user');
    const before = encodedTexts(client).length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(encodedTexts(client).length - before).toBeLessThanOrEqual(1);
    await client.connection.sendRequest('fasa/resume');
    await untilEncoded(client);
  });

  test('asks for it all, sees progress, and may cancel', async () => {
    write(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}.ts`, `x${index};\n`.repeat(60)])));
    const client = await start({ repository: { encodeMs: 40 } });
    await client.untilState('encoding');
    const source = new CancellationTokenSource();
    const first = client.connection.sendRequest('fasa/encode', {}, source.token);
    source.cancel();
    await expect(first).rejects.toMatchObject({ code: -32800 });
    const kinds: string[] = [];
    client.connection.onProgress(WorkDoneProgress.type, 'token', ({ kind }) => {
      kinds.push(kind);
    });
    await client.connection.sendRequest('fasa/encode', { workDoneToken: 'token' });
    expect([kinds[0], kinds.at(-1)]).toEqual(['begin', 'end']);
    expect(kinds).toContain('report');
    expect((await contextFiles(client)).every((file) => file.state === 'encoded')).toBe(true);
  });

  test('clears the cache, and is told of the bytes before', async () => {
    write({ 'a.ts': 'a;\n' });
    const client = await start();
    await untilEncoded(client);
    const clear = (params: object) => client.connection.sendRequest<ClearCacheResult>('fasa/clearCache', params);
    const { bytes } = await clear({ dryRun: true });
    expect(bytes).toBe(1100 * '// a.ts\na;\n'.length);
    expect(client.status?.repository?.diskBytes).toBe(bytes);
    expect(await clear({})).toEqual({ bytes });
    expect(await clear({ dryRun: true })).toEqual({ bytes: 0 });
  });
});

test('a chunk that cannot be encoded is logged once, and the others are encoded', async () => {
  write({ 'a.ts': 'a;\n'.repeat(150), 'bad.ts': `${'bad;\n'.repeat(80)}`, 'c.ts': 'c;\n'.repeat(150) });
  const client = await start({ repository: { failOn: 'bad', failCode: 'BAD_ARGUMENT' } });
  await client.until('two', () => client.status?.repository?.filesEncoded === 2 && client.status.state === 'ready');
  expect(client.logs.filter((line) => line.startsWith('Encoding failed'))).toHaveLength(1);
});

test('each folder is its own repository; one that is removed is forgotten', async () => {
  write({ 'one/a.ts': 'a;\n', 'two/b.ts': 'b;\n' });
  const folders = [path.join(folder, 'one'), path.join(folder, 'two')];
  const client = await start({}, { folders });
  await client.until('both', () => encodedTexts(client).length === 2);
  await client.open(url('two/main.ts'), 'x = ');
  await client.complete(url('two/main.ts'), 0, 4);
  expect(lastRead(client)).toBe('// b.ts 0.0');
  await client.connection.sendNotification('workspace/didChangeWorkspaceFolders', {
    event: { added: [], removed: [{ uri: url('two'), name: 'two' }] },
  });
  const { folders: left } = await client.connection.sendRequest<ContextResult>('fasa/context', {});
  expect(left.map(({ name }) => name)).toEqual(['one']);
});
