/** A client, or what stands between it and the server, that breaks its word: the server hears what comes next, and ends. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { getStatusRequest } from '../../language-server/protocol/server';
import { type Client, startServer, stopServers } from './tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const engine = { answers: [{ when: '', text: 'first(1);\n' }] };

function raw(client: Client, text: string): void {
  client.child.stdin?.write(text);
}

async function expectAlive(client: Client): Promise<void> {
  expect(await client.connection.sendRequest(getStatusRequest)).toHaveProperty('state');
  await client.open(uri, 'const some = "text";\nx = ');
  expect(await client.completionText(uri, 1, 4)).toContain('first(1)');
}

describe('broken frames', () => {
  test.each([
    ['no header', '{"jsonrpc":"2.0","id":1,"method":"a"}\r\n\r\n'],
    ['a length that is too small', 'Content-Length: 3\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"a"}'],
    ['a length that is too large', 'Content-Length: 5000\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"a"}'],
    ['a body that is no JSON', 'Content-Length: 4\r\n\r\n{"a"'],
    ['a body that is no message', 'Content-Length: 4\r\n\r\nnull'],
    ['another protocol', 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{}'],
  ])('are reported to the client, which is still answered: %s', async (_what, text) => {
    const client = await startServer({ engine });
    for (let times = 0; times < 4; times++) {
      raw(client, text);
    }
    await expectAlive(client);
    expect(client.logs.filter((log) => log.includes('messages cannot be read'))).not.toEqual([]);
  });

  test('are reported only a few times when there are thousands', async () => {
    const client = await startServer({ engine });
    raw(client, 'Content-Length: 2\r\n\r\n{]'.repeat(20_000));
    await expectAlive(client);
    expect(client.logs.length).toBeLessThan(100);
  });
});

const item = { uri, languageId: 'typescript', version: 1, text: 'x = ' };

describe('malformed document notifications', () => {
  test.each([
    ['didOpen', { textDocument: { ...item, uri: null } }],
    ['didOpen', { textDocument: { ...item, uri: 5 } }],
    ['didOpen', { textDocument: { ...item, text: null } }],
    ['didOpen', { textDocument: { ...item, languageId: undefined } }],
    ['didOpen', { textDocument: { ...item, version: 'one' } }],
    ['didOpen', { textDocument: null }],
    ['didOpen', {}],
    ['didChange', { textDocument: { uri: null, version: 2 }, contentChanges: [] }],
    ['didChange', { textDocument: { uri, version: 2 }, contentChanges: 'x' }],
    ['didChange', { textDocument: { uri, version: 2 }, contentChanges: [null] }],
    ['didChange', { textDocument: { uri, version: null }, contentChanges: [{ text: 'y' }] }],
    ['didClose', { textDocument: { uri: null } }],
    ['didSave', {}],
  ])('%s %j is left out with a word', async (method, params) => {
    const client = await startServer({ engine });
    await client.connection.sendNotification(`textDocument/${method}`, params);
    await expectAlive(client);
    expect(client.logs.filter((log) => log.includes('malformed'))).toHaveLength(1);
  });

  test.each([
    ['notebookDocument/didOpen', { notebookDocument: { uri: null, cells: [] }, cellTextDocuments: [] }],
    ['notebookDocument/didOpen', { notebookDocument: { uri, cells: null }, cellTextDocuments: [] }],
    ['notebookDocument/didOpen', { notebookDocument: { uri, cells: [] }, cellTextDocuments: [{ ...item, uri: null }] }],
    ['notebookDocument/didChange', { notebookDocument: { uri }, change: { cells: { structure: {} } } }],
    ['notebookDocument/didChange', { notebookDocument: { uri }, change: null }],
    ['notebookDocument/didClose', { notebookDocument: {}, cellTextDocuments: [] }],
  ])('%s %j is left out with a word', async (method, params) => {
    const client = await startServer({ engine });
    await client.connection.sendNotification(method, params);
    await expectAlive(client);
    expect(client.logs.filter((log) => log.includes('malformed'))).toHaveLength(1);
  });

  test('a change that cannot be read closes its document, so that nothing is completed in unknown text', async () => {
    const client = await startServer({ engine });
    await client.open(uri, 'const some = "text";\nx = ');
    expect(await client.completionText(uri, 1, 4)).toContain('first(1)');
    const range = { start: { line: -1, character: 0 }, end: { line: 0, character: 0 } };
    const change = { textDocument: { uri, version: 2 }, contentChanges: [{ range, text: 'y' }] };
    await client.connection.sendNotification('textDocument/didChange', change);
    expect(await client.completionText(uri, 1, 4)).toBeUndefined();
    await expectAlive(client);
  });
});

describe.skipIf(process.platform === 'win32')('with threads that wait for a pipe without a writer', () => {
  let folder = '';
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function startHanging(): Promise<Client> {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-pipe-'));
    writeFileSync(path.join(folder, 'a.ts'), 'const a = 1;\n');
    const pipes = [1, 2, 3, 4].map((one) => path.join(folder, `pipe${one}`));
    spawnSync('mkfifo', pipes);
    const client = await startServer({ engine: { ...engine, fasaFromTokens: 64, repository: {} }, folders: [folder] });
    await client.until('all encoded', () => client.status?.repository?.filesEncoded === 1);
    await client.connection.sendNotification('test/hang', [pipes]);
    writeFileSync(path.join(folder, 'b.ts'), 'const b = 1;\n');
    // the walk that this asks for never ends
    const changes = [{ uri: pathToFileURL(path.join(folder, 'b.ts')).href, type: 1 }];
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', { changes });
    await expectAlive(client);
    return client;
  }

  test('the server answers, shuts down and exits', async () => {
    const client = await startHanging();
    expect(await client.connection.sendRequest('shutdown')).toBeNull();
    await client.connection.sendNotification('exit');
    await client.exited;
  });

  test('the server ends when its pipe does', async () => {
    const client = await startHanging();
    client.child.stdin?.end();
    await client.exited;
  });
});
