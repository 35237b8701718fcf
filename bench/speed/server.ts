/** The real server as a process of its own, spoken with over pipes as an editor does. */

import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CancellationTokenSource,
  createMessageConnection,
  type InlineCompletionList,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { EngineError, throwIfAborted } from '../../language-server/base/errors';
import { encodeRequest, getStatusRequest, type Status } from '../../language-server/protocol/server';
import { type CompletionCounts, completionCountsRequest } from './completion-counter';

interface BenchServerOptions {
  readonly modelPath: string;
  readonly folder: string;
  readonly settings: object;
  readonly signal: AbortSignal;
}

interface Asked {
  /** Undefined when it was cancelled. */
  readonly answer: Promise<InlineCompletionList | undefined>;
  cancel(): void;
}

const readyLimitMs = 180_000;
/** Bundled beside dist/bench.js, which this file is bundled into. */
const countingServer = path.join(__dirname, 'bench-server.js');

export class BenchServer {
  readonly #connection: MessageConnection;
  readonly #stop: () => Promise<void>;
  #version = 1;

  private constructor(connection: MessageConnection, stop: () => Promise<void>) {
    this.#connection = connection;
    this.#stop = stop;
  }

  /** @throws EngineError when the server does not become ready */
  static async start({ modelPath, folder, settings, signal }: BenchServerOptions): Promise<BenchServer> {
    const child = spawn(process.execPath, [countingServer], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, FASA_MODEL: modelPath },
    });
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const connection = createMessageConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    child.stdin.on('error', () => undefined);
    connection.onError(() => undefined);
    connection.listen();
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const stop = async () => {
      signal.removeEventListener('abort', kill);
      const timer = setTimeout(kill, 10_000);
      await Promise.race([connection.sendRequest('shutdown').catch(() => undefined), exited]);
      await connection.sendNotification('exit').catch(() => undefined);
      await exited;
      clearTimeout(timer);
      connection.dispose();
    };
    const server = new BenchServer(connection, stop);
    try {
      await server.#initialize(folder, settings, signal);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async #initialize(folder: string, settings: object, signal: AbortSignal): Promise<void> {
    await this.#connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: null,
      capabilities: { workspace: { workspaceFolders: true } },
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'bench' }],
      initializationOptions: settings,
    });
    await this.#connection.sendNotification('initialized', {});
    const until = performance.now() + readyLimitMs;
    for (;;) {
      throwIfAborted(signal);
      const { state, problem } = await this.status();
      if (problem !== undefined) {
        throw new EngineError('INTERNAL', problem.message, { remedy: problem.remedy });
      }
      if (state === 'ready' || state === 'encoding') {
        return;
      }
      if (performance.now() > until) {
        throw new EngineError('INTERNAL', `The server is still ${state} after ${readyLimitMs / 1000} s.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  open(uri: string, languageId: string, text: string): Promise<void> {
    return this.#connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: this.#version++, text },
    });
  }

  close(uri: string): Promise<void> {
    return this.#connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  change(uri: string, start: object, end: object, text: string): Promise<void> {
    return this.#connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: this.#version++ },
      contentChanges: [{ range: { start, end }, text }],
    });
  }

  ask(uri: string, position: object): Asked {
    const source = new CancellationTokenSource();
    const params = { textDocument: { uri }, position, context: { triggerKind: 2 } };
    const answer = this.#connection
      .sendRequest<InlineCompletionList>('textDocument/inlineCompletion', params, source.token)
      .catch(() => undefined);
    return { answer, cancel: () => source.cancel() };
  }

  /** All that belongs into the context, until it is done. */
  async encode(): Promise<void> {
    await this.#connection.sendRequest(encodeRequest);
  }

  counts(): Promise<CompletionCounts> {
    return this.#connection.sendRequest(completionCountsRequest);
  }

  status(): Promise<Status> {
    return this.#connection.sendRequest(getStatusRequest);
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
