/** A client over real pipes: starts the server as a process, speaks LSP with it, hears its status and its events. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import {
  createMessageConnection,
  type InitializeResult,
  type InlineCompletionList,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { type Status, statusNotification } from '../../../language-server/protocol/server';
import type { FakeOptions } from './fake-engine';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const bundles = new Map<string, Promise<string>>();

/** @param entry below the project's folder; bundled once per test process @returns the script's text */
function bundled(entry: string): Promise<string> {
  const script = bundles.get(entry) ?? bundle(entry);
  bundles.set(entry, script);
  return script;
}

/** A script that writes down what the process that begins with it does. */
function notes(file: string): string {
  const note = (line: string) => `require('node:fs').appendFileSync(${JSON.stringify(file)}, '${line}\\n')`;
  return [
    `${note('start')};`,
    `process.on('message', () => ${note('render')});`,
    `process.on('exit', () => ${note('exit')});`,
  ].join('\n');
}

async function bundle(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [path.join(root, entry)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return result.outputFiles[0]?.text ?? '';
}

export interface StartOptions {
  readonly engine?: FakeOptions;
  readonly initializationOptions?: unknown;
  /** A file that stands for the model; '' for none. */
  readonly model?: string;
  readonly folders?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Another server than the one with the fake engine: its entry, below the project's folder. */
  readonly entry?: string;
  /** Of its command line; default: --stdio. */
  readonly arguments?: readonly string[];
  /** Of the client, for the server to watch. */
  readonly processId?: number;
  /** Of the client, beside workspace folders. */
  readonly capabilities?: object;
}

export class Client {
  readonly child: ChildProcess;
  readonly connection: MessageConnection;
  readonly statuses: { readonly at: number; readonly status: Status }[] = [];
  readonly logs: string[] = [];
  readonly exited: Promise<number | null>;
  /** Where the process of the chat templates writes what it does. */
  readonly #templateLog: string;
  initialized: InitializeResult | undefined;
  #stderr = '';
  readonly #cacheFolder: string;
  #waiters: (() => void)[] = [];

  constructor(child: ChildProcess, cacheFolder: string, templateLog: string) {
    if (child.stdout === null || child.stdin === null || child.stderr === null) {
      throw new Error('The server has no pipes.');
    }
    this.child = child;
    this.#cacheFolder = cacheFolder;
    this.#templateLog = templateLog;
    this.connection = createMessageConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (data: Buffer) => {
      this.#stderr += data.toString('utf8');
      this.#wake();
    });
    this.exited = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    this.connection.onNotification(statusNotification, (status: Status) => {
      this.statuses.push({ at: performance.now(), status });
      this.#wake();
    });
    this.connection.onNotification('window/logMessage', ({ message }: { message: string }) => {
      this.logs.push(message);
      this.#wake();
    });
    this.connection.onRequest('client/registerCapability', () => null);
    this.connection.onClose(() => this.#wake());
    this.connection.onError(() => undefined);
    this.connection.listen();
  }

  /** Lines that the fake engine wrote. */
  get events(): string[] {
    return this.#stderr.split('\n').filter((line) => line !== '');
  }

  /** What the processes of chat templates did: `start`, `render`, and `exit` where they ended by themselves. */
  get templateEvents(): string[] {
    const text = existsSync(this.#templateLog) ? readFileSync(this.#templateLog, 'utf8') : '';
    return text.split('\n').filter((line) => line !== '');
  }

  get status(): Status | undefined {
    return this.statuses.at(-1)?.status;
  }

  /** Waits until something holds; fails after half a minute with what was seen. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!holds()) {
      if (performance.now() > deadline) {
        throw new Error(
          `Waited for ${what}; events: ${this.events.join(', ')}; status: ${JSON.stringify(this.status)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  untilEvent(text: string): Promise<void> {
    return this.until(`the event "${text}"`, () => this.events.some((event) => event.includes(text)));
  }

  untilState(state: Status['state']): Promise<void> {
    return this.until(`the state ${state}`, () => this.status?.state === state);
  }

  open(uri: string, text: string, languageId = 'typescript'): Promise<void> {
    return this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: 1, text },
    });
  }

  /** As an editor does by itself while a user types. */
  complete(uri: string, line: number, character: number, context: object = {}): Promise<InlineCompletionList> {
    return this.connection.sendRequest('textDocument/inlineCompletion', {
      textDocument: { uri },
      position: { line, character },
      context: { triggerKind: 2, ...context },
    });
  }

  /** As an editor does when the user asks for it. */
  async invoke(uri: string, line: number, character: number): Promise<string[]> {
    const { items } = await this.complete(uri, line, character, { triggerKind: 1 });
    return items.map(({ insertText }) => (typeof insertText === 'string' ? insertText : insertText.value));
  }

  /** Replaces characters of one line. */
  edit(uri: string, version: number, line: number, from: number, to: number, text: string): Promise<void> {
    return this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [{ range: { start: { line, character: from }, end: { line, character: to } }, text }],
    });
  }

  /** The text of the only item, or undefined when there is none. */
  async completionText(uri: string, line: number, character: number): Promise<string | undefined> {
    const { items } = await this.complete(uri, line, character);
    const text = items[0]?.insertText;
    return typeof text === 'string' ? text : text?.value;
  }

  /** As a good client: shutdown, exit. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const asked = this.connection.sendRequest('shutdown').then(
        () => this.connection.sendNotification('exit'),
        () => undefined,
      );
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
      await Promise.race([asked, this.exited]);
      await this.exited;
      clearTimeout(timer);
    }
    this.connection.dispose();
    rmSync(this.#cacheFolder, { recursive: true, force: true });
    return this.exited;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter();
    }
  }
}

const started = new Set<Client>();

/** Starts a server and initializes it. */
export async function startServer(options: StartOptions = {}): Promise<Client> {
  const client = await spawnServer(options);
  const initialized: Promise<InitializeResult> = client.connection.sendRequest('initialize', {
    processId: options.processId ?? process.pid,
    rootUri: null,
    capabilities: { workspace: { workspaceFolders: true }, ...options.capabilities },
    workspaceFolders: (options.folders ?? []).map((folder) => ({
      uri: pathToFileURL(folder).href,
      name: path.basename(folder),
    })),
    initializationOptions: options.initializationOptions,
  });
  const ended = client.exited.then((code) => {
    throw new Error(`The server ended with code ${code}: ${client.events.join('\n')}`);
  });
  client.initialized = await Promise.race([initialized, ended]);
  await client.connection.sendNotification('initialized', {});
  return client;
}

/** Starts a server's process; nothing was said to it yet. */
export async function spawnServer(options: StartOptions = {}): Promise<Client> {
  const entry = options.entry ?? 'test/server/tools/fake-server.ts';
  const cacheFolder = mkdtempSync(path.join(os.tmpdir(), 'fasa-server-'));
  const script = path.join(cacheFolder, 'server.cjs');
  writeFileSync(script, await bundled(entry));
  const templateLog = path.join(cacheFolder, 'templates.log');
  const renderer = await bundled('language-server/chat/template/renderer.ts');
  writeFileSync(path.join(cacheFolder, 'template-renderer.js'), `${notes(templateLog)}\n${renderer}`);
  const child = spawn(process.execPath, [script, ...(options.arguments ?? ['--stdio'])], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      FAKE_ENGINE: JSON.stringify(options.engine ?? {}),
      FASA_CACHE_DIR: cacheFolder,
      // any file does: the fake engine does not read it
      FASA_MODEL: options.model ?? path.join(root, 'package.json'),
      ...options.environment,
    },
  });
  const client = new Client(child, cacheFolder, templateLog);
  started.add(client);
  return client;
}

/** For afterEach: nothing that a test started stays alive. */
export async function stopServers(): Promise<void> {
  for (const client of started) {
    await client.stop();
  }
  started.clear();
}
