/**
 * Every way by which a text of a workspace can become tokens, tried with secrets by name, by another name and by content.
 * The engine tells when the marker of a secret is tokenized; the same marker in an ordinary file shows that the way is open.
 */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type AskResult,
  type AskSize,
  askSizeRequest,
  chooseContextRequest,
  focusNotification,
} from '../../language-server/protocol/server';
import { type Client, startServer, stopServers } from './tools/client';

const marker = 'marker6f1d';
const line = `const ${marker} = 1;\n`;
/** As long and as random as a real one, and nobody's. */
const key = [
  '-----BEGIN PRIVATE KEY-----',
  'MC4CAQAwBQYDK2VwBCIEIJ7xq0Zk3vYw8mT1uQbGf5hLr2NcWd9XsEaPoKjVtU4i',
  '-----END PRIVATE KEY-----',
  '',
].join('\n');

let folder = '';
const at = (name: string) => path.join(folder, 'part', name);
const uriOf = (name: string) => pathToFileURL(at(name)).href;

interface Case {
  readonly what: string;
  /** Of the file or the document. */
  readonly name: string;
  readonly text: string;
}

/** The last one is ordinary. */
const ordinary: Case = { what: 'an ordinary file', name: 'plain.ts', text: line };
const secrets: readonly Case[] = [
  { what: 'a secret by its name', name: '.env', text: `A=${marker}\n` },
  { what: 'a link to a secret', name: 'notes.md', text: `A=${marker}\n` },
  { what: 'a file in a linked .git', name: 'docs/config', text: `a = ${marker}\n` },
  { what: 'a secret by its content', name: 'key.ts', text: `${line}${key}` },
];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-ways-'));
  mkdirSync(at('.git'), { recursive: true });
  writeFileSync(at('.git/config'), `a = ${marker}\n`);
  writeFileSync(at('.env'), `A=${marker}\n`);
  symlinkSync('.env', at('notes.md'));
  symlinkSync('.git', at('docs'));
  writeFileSync(at('key.ts'), `${line}${key}`);
});

afterEach(async () => {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

const engine = { watchFor: marker, answers: [{ when: '', text: 'answer' }], contextTokens: 8192 };
const leaks = (client: Client) => client.events.filter((event) => event.includes('the watched text')).length;

let conversations = 0;

function ask(client: Client, question: string, more: object): Promise<AskResult> {
  const conversation = String(++conversations);
  return client.connection.sendRequest('fasa/ask', { conversation, question, references: [], ...more });
}

/** What is asked for, and is answered when all that it reads has been read. */
interface Way {
  readonly what: string;
  take(client: Client, one: Case): Promise<unknown>;
}

const open = (client: Client, { name, text }: Case) => client.open(uriOf(name), text);

const openWays: readonly Way[] = [
  // once in a session, before the first request
  {
    what: 'what is fed when an editor gets the focus',
    take: async (client, one) => {
      await open(client, one);
      const place = { textDocument: { uri: uriOf(one.name) }, position: { line: 1, character: 0 } };
      await client.connection.sendNotification(focusNotification, place);
      // nothing answers a notification
      await new Promise((resolve) => setTimeout(resolve, 300));
    },
  },
  // texts that were measured are not measured again
  {
    what: 'the size of a question',
    take: async (client, one) => {
      await open(client, one);
      const params = { conversation: 'size', question: 'Why so?', references: [{ uri: uriOf(one.name) }] };
      await client.connection.sendRequest<AskSize>(askSizeRequest, params);
    },
  },
  {
    what: 'a completion',
    take: async (client, one) => {
      await open(client, one);
      await client.complete(uriOf(one.name), 1, 0);
    },
  },
  {
    what: 'a completion that the user asked for',
    take: async (client, one) => {
      await open(client, one);
      await client.invoke(uriOf(one.name), 1, 0);
    },
  },
  {
    what: 'a completion with a selected item',
    take: async (client, one) => {
      await open(client, one);
      const range = { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } };
      await client.complete(uriOf(one.name), 1, 0, { selectedCompletionInfo: { range, text: 'log' } });
    },
  },
  {
    what: 'the current file of a question',
    take: async (client, one) => {
      await open(client, one);
      await ask(client, 'Why?', { references: [{ uri: uriOf(one.name) }] });
    },
  },
  {
    what: 'the selection of a question',
    take: async (client, one) => {
      await open(client, one);
      await ask(client, 'Why?', { selection: { uri: uriOf(one.name), text: one.text, firstLine: 0 } });
    },
  },
  {
    what: 'a text attached to a question',
    take: (client, { name, text }) =>
      ask(client, 'What changed?', {
        attachments: [{ label: 'Changes', text, uris: [uriOf(ordinary.name), uriOf(name)] }],
      }),
  },
];

const closedWays: readonly Way[] = [
  {
    what: 'a file that a question refers to',
    take: (client, { name }) => ask(client, 'Why?', { references: [{ uri: uriOf(name) }] }),
  },
  { what: 'a file that a question names', take: (client, { name }) => ask(client, `What does ${name} do?`, {}) },
  {
    what: 'a folder that a question refers to',
    take: (client) => ask(client, 'Why?', { references: [{ uri: uriOf('') }] }),
  },
];

/** Ways by which the marker became tokens. */
async function leaking(ways: readonly Way[], one: Case): Promise<string[]> {
  const client = await startServer({ engine, folders: [folder] });
  await client.untilState('ready');
  const found: string[] = [];
  for (const { what, take } of ways) {
    const before = leaks(client);
    await take(client, one);
    if (leaks(client) > before) {
      found.push(what);
    }
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri: uriOf(one.name) } });
  }
  return found;
}

const names = (ways: readonly Way[]) => ways.map(({ what }) => what);

describe('an ordinary file', () => {
  test('is read in each way while it is open', async () => {
    expect(await leaking(openWays, ordinary)).toEqual(names(openWays));
  });

  test('is read in each way from the disk', async () => {
    writeFileSync(at(ordinary.name), ordinary.text);
    expect(await leaking(closedWays, ordinary)).toEqual(names(closedWays));
  });
});

describe.each(secrets)('$what', (one) => {
  test('is read in no way, open or not', async () => {
    expect(await leaking([...openWays, ...closedWays], one)).toEqual([]);
  });
});

describe('what the background reads', () => {
  test.each([true, false])('into the context of a repository with an ordinary file: %s', async (withOrdinary) => {
    writeFileSync(at(withOrdinary ? 'plain.ts' : 'other.ts'), withOrdinary ? line : 'const other = 1;\n');
    const client = await startServer({ engine: { ...engine, fasaFromTokens: 64, repository: {} }, folders: [folder] });
    await client.until('all encoded', () => client.status?.repository?.filesEncoded === 1);
    expect(leaks(client) > 0).toBe(withOrdinary);
  });

  test.each([true, false])('to calibrate a model with an ordinary file: %s', async (withOrdinary) => {
    writeFileSync(at('other.ts'), `${withOrdinary ? line : ''}${'const other = 1;\n'.repeat(600)}`);
    const calibration = { documentMs: 1 };
    const client = await startServer({ engine: { ...engine, calibration, idleMs: 20 }, folders: [folder] });
    await client.until('a calibration', () => client.status?.attention?.calibrated === true);
    expect(leaks(client) > 0).toBe(withOrdinary);
  });
});

describe('a notebook', () => {
  test.each([true, false])('whose other cell is ordinary: %s', async (isOrdinary) => {
    const client = await startServer({ engine, folders: [folder] });
    await client.untilState('ready');
    const cell = (index: number) => `vscode-notebook-cell:${pathToFileURL(at('book.ipynb')).pathname}#${index}`;
    await client.connection.sendNotification('notebookDocument/didOpen', {
      notebookDocument: {
        uri: uriOf('book.ipynb'),
        notebookType: 'jupyter-notebook',
        version: 1,
        cells: [0, 1].map((index) => ({ kind: 2, document: cell(index) })),
      },
      cellTextDocuments: [`${line}${isOrdinary ? '' : key}`, 'x = '].map((text, index) => ({
        uri: cell(index),
        languageId: 'python',
        version: 1,
        text,
      })),
    });
    await client.complete(cell(1), 0, 4);
    expect(leaks(client) > 0).toBe(isOrdinary);
  });
});

describe('in a workspace that is not trusted', () => {
  test.each([true, false])('a text of a file that is open: %s', async (isOpen) => {
    const client = await startServer({ engine, folders: [folder] });
    if (isOpen) {
      await open(client, ordinary);
    }
    const attachments = [{ label: 'Symbol', text: line, uris: [uriOf(ordinary.name)] }];
    const { size } = await ask(client, 'Why?', { attachments, openOnly: true });
    expect(leaks(client) > 0).toBe(isOpen);
    const left = size?.parts.filter(({ reason }) => reason !== undefined).map(({ label }) => label);
    expect(left).toEqual(isOpen ? [] : ['Symbol']);
  });
});

describe('what the user has confirmed', () => {
  test('is read by a completion and by a question', async () => {
    const client = await startServer({ engine, folders: [folder] });
    await client.untilState('ready');
    const params = { uri: uriOf('.env'), choice: 'include', confirmed: true };
    await client.connection.sendRequest(chooseContextRequest, params);
    await client.open(uriOf('.env'), `A=${marker}\n`, 'dotenv');
    await client.complete(uriOf('.env'), 1, 0);
    const byCompletion = leaks(client);
    expect(byCompletion).toBeGreaterThan(0);
    await ask(client, 'Why?', { references: [{ uri: uriOf('.env') }] });
    expect(leaks(client)).toBeGreaterThan(byCompletion);
  });
});

describe('a message for a commit', () => {
  test('is written in the folder of git, and completed', async () => {
    const client = await startServer({ engine, folders: [folder] });
    await client.untilState('ready');
    const uri = uriOf('.git/COMMIT_EDITMSG');
    await client.open(uri, line, 'git-commit');
    await client.complete(uri, 1, 0);
    expect(leaks(client)).toBeGreaterThan(0);
  });
});
