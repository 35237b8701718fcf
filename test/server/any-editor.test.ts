/** The command that other editors start, driven as the clients of Neovim and Helix drive a server, with the real model. */

import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource } from 'vscode-languageserver/node';
import { resolveModel } from '../../language-server/models/resolve-model';
import { spawnServer, stopServers } from './tools/client';

afterEach(stopServers);

const root = path.resolve(import.meta.dirname, '..', '..');
const uri = pathToFileURL(path.join(root, 'greeting.ts')).href;
/** Two, three and four bytes in UTF-8; one, one and two units in UTF-16. */
const before = 'const greetings = ["é", "∀", "😀"]; const';

const neovim = {
  clientInfo: { name: 'Neovim', version: '0.12.0' },
  rootPath: root,
  rootUri: pathToFileURL(root).href,
  trace: 'off',
  workDoneToken: '1',
  capabilities: {
    general: { positionEncodings: ['utf-8', 'utf-16', 'utf-32'] },
    textDocument: {
      inlineCompletion: { dynamicRegistration: false },
      synchronization: { dynamicRegistration: false, willSave: true, willSaveWaitUntil: true, didSave: true },
    },
    workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: false }, workspaceFolders: true },
    window: { workDoneProgress: true },
  },
};

const helix = {
  clientInfo: { name: 'helix', version: '25.07' },
  rootPath: root,
  rootUri: pathToFileURL(root).href,
  capabilities: {
    general: { positionEncodings: ['utf-8', 'utf-32', 'utf-16'] },
    workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: false }, workspaceFolders: true },
    window: { workDoneProgress: true },
  },
};

/** A client from before the negotiation of encodings. */
const older = { rootUri: null, capabilities: {} };

describe.each([
  ['Neovim', neovim, 'utf-8', Buffer.byteLength(before)],
  ['Helix', helix, 'utf-8', Buffer.byteLength(before)],
  ['an older editor', older, 'utf-16', before.length],
])('as %s', (_name, params, encoding, column) => {
  test('from initialize to exit', async () => {
    const client = await spawnServer({
      entry: 'language-server/cli.ts',
      arguments: ['serve', '--stdio'],
      model: await resolveModel(''),
      environment: {
        FASA_ADDON: path.join(root, 'dist', 'native', 'addon.node'),
        FASA_SYNTAX: path.join(root, 'dist', 'syntax'),
      },
    });
    client.connection.onRequest('workspace/configuration', () => [null]);
    client.connection.onRequest('window/workDoneProgress/create', () => null);
    const answer = await client.connection.sendRequest<{ capabilities: Record<string, unknown> }>('initialize', {
      processId: process.pid,
      ...params,
      workspaceFolders: null,
      initializationOptions: { completion: { timeBudgetMs: 60_000, maxTokens: 12 }, repository: { enabled: false } },
    });
    expect(answer.capabilities).toMatchObject({ positionEncoding: encoding, inlineCompletionProvider: true });
    await client.connection.sendNotification('initialized', {});
    await client.open(uri, `${before}\n`);
    await client.untilState('ready');

    // the end of the line, behind all the characters that are counted differently
    await client.edit(uri, 2, 0, column, column, ' first');
    await client.edit(uri, 3, 0, column + 6, column + 6, ' = greetings[');
    const end = column + 19;
    const asked = client.connection.sendRequest('textDocument/inlineCompletion', {
      textDocument: { uri },
      position: { line: 0, character: end },
      context: { triggerKind: 1 },
    });
    const { items } = (await asked) as { items: { insertText: string; range: { start: unknown; end: unknown } }[] };
    expect(items[0]?.insertText).toMatch(/^0\]/);
    expect(items[0]?.range).toEqual({ start: { line: 0, character: end }, end: { line: 0, character: end } });

    const source = new CancellationTokenSource();
    await client.edit(uri, 4, 0, end, end, '1');
    const cancelled = client.connection.sendRequest(
      'textDocument/inlineCompletion',
      { textDocument: { uri }, position: { line: 0, character: end + 1 }, context: { triggerKind: 1 } },
      source.token,
    );
    source.cancel();
    await expect(cancelled).rejects.toMatchObject({ code: -32800 });

    expect(await client.connection.sendRequest('shutdown')).toBeNull();
    await client.connection.sendNotification('exit');
    expect(await client.exited).toBe(0);
  });
});

test('without --stdio, serve says how it is used and prints nothing on stdout', async () => {
  const client = await spawnServer({ entry: 'language-server/cli.ts', arguments: ['serve'] });
  expect(await client.exited).toBe(2);
  expect(client.events.join('\n')).toContain('fasa-code serve --stdio');
});

test('the server ends when its client is gone', async () => {
  const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  const client = await spawnServer({ entry: 'language-server/cli.ts', arguments: ['serve', '--stdio'], model: '' });
  await client.connection.sendRequest('initialize', { processId: other.pid, ...older });
  client.child.stdin?.end();
  expect(await client.exited).toBe(1);
  other.kill();
});
