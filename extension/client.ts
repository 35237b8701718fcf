import * as path from 'node:path';
import * as vscode from 'vscode';
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  LanguageClient,
  type ServerOptions,
  State,
  TransportKind,
} from 'vscode-languageclient/node';
import { getStatusRequest, type Status, statusNotification } from '../language-server/protocol';
import { createClientOptions, describeError } from './client-options';
import { RestartPolicy } from './restart-policy';
import type { ServerLife, ServerView } from './server-view';
import { readCacheFolder, readServerSettings, settingsSection } from './settings';

/** How long a stop or a start may take before the process is ended by force. */
const patienceMs = 5000;

export interface ServerEndings {
  /** The server ended by itself and will be started again; said at the first end of a series alone. */
  restarting(): void;
  /** It ended too often and stays down until the user asks for it. */
  gaveUp(ends: number): void;
}

/**
 * The language server, across the lives of its process: each life has its own language client, so that nothing of a
 * dead one stays registered. The addon and the model are in that process, never in the extension host.
 */
export class LanguageServer implements vscode.Disposable {
  readonly #extensionPath: string;
  readonly #output: vscode.LogOutputChannel;
  readonly #endings: ServerEndings;
  readonly #changes = new vscode.EventEmitter<ServerView>();
  readonly #policy = new RestartPolicy();
  #current: LanguageClient | undefined;
  #starting: Promise<void> | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #view: ServerView = { life: 'stopped' };

  readonly onDidChange = this.#changes.event;

  constructor(extensionPath: string, output: vscode.LogOutputChannel, endings: ServerEndings) {
    this.#extensionPath = extensionPath;
    this.#output = output;
    this.#endings = endings;
  }

  get view(): ServerView {
    return this.#view;
  }

  /** Of the server's process, while there is one. */
  get processId(): number | undefined {
    return this.#current?.serverProcess?.pid;
  }

  /** Starts a life, unless there is one. Does not throw: a start that fails counts as an end. */
  start(): void {
    if (this.#current) {
      return;
    }
    this.#clearTimer();
    const client = this.#createClient();
    this.#current = client;
    this.#show('starting');
    this.#starting = this.#run(client);
  }

  /** A new life on the user's word: earlier ends no longer count. */
  async restart(): Promise<void> {
    this.#output.info('Restarting the language server.');
    this.#policy.reset();
    await this.stop();
    this.start();
  }

  async stop(): Promise<void> {
    this.#clearTimer();
    const client = this.#current;
    this.#current = undefined;
    this.#show('stopped');
    if (!client) {
      return;
    }
    const process = client.serverProcess;
    await withPatience(this.#starting);
    if (client.state === State.Running) {
      await client.stop(patienceMs).catch((error) => this.#output.warn(`Stopping failed: ${describeError(error)}`));
    }
    if (process && process.exitCode === null && process.signalCode === null) {
      process.kill();
    }
  }

  /** Sends a request without parameters. Rejects when no server runs. */
  async request<R>(method: string): Promise<R> {
    const client = this.#current;
    if (!client || client.state !== State.Running) {
      throw new Error('The language server is not running.');
    }
    return client.sendRequest<R>(method);
  }

  /** Tells the running server the settings as they are now. */
  async sendSettings(): Promise<void> {
    const client = this.#current;
    if (client?.state === State.Running) {
      await client.sendNotification(DidChangeConfigurationNotification.type, {
        settings: { [settingsSection]: readServerSettings() },
      });
    }
  }

  dispose(): void {
    this.#clearTimer();
    this.#changes.dispose();
  }

  #createClient(): LanguageClient {
    const client: LanguageClient = new LanguageClient(
      settingsSection,
      'FASA Code',
      this.#serverOptions(),
      createClientOptions(this.#output, {
        error: (_error, _message, count) => ({
          action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown,
        }),
        // The next life is a new client: this one never restarts by itself.
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: this.#ended(client) }),
      }),
    );
    client.onNotification(statusNotification, (status: Status) => this.#showStatus(client, status));
    return client;
  }

  #serverOptions(): ServerOptions {
    const cacheFolder = readCacheFolder();
    return {
      module: path.join(this.#extensionPath, 'dist', 'server.js'),
      transport: TransportKind.ipc,
      options: {
        // Not the workspace: nothing of the user's repository may be found by a relative path.
        cwd: this.#extensionPath,
        ...(cacheFolder ? { env: { FASA_CACHE_DIR: cacheFolder } } : {}),
      },
    };
  }

  async #run(client: LanguageClient): Promise<void> {
    try {
      await client.start();
      if (this.#current !== client) {
        return;
      }
      this.#output.info(`The language server runs as process ${client.serverProcess?.pid}.`);
      this.#show('running', this.#view.status);
      this.#showStatus(client, await client.sendRequest<Status>(getStatusRequest));
    } catch (error) {
      if (this.#current === client && client.state !== State.Running) {
        this.#output.error(`The language server did not start: ${describeError(error)}`);
        this.#ended(client);
      }
    }
  }

  /** Decides what follows the end of a life; returns it as a line for the log. */
  #ended(client: LanguageClient): string {
    if (this.#current !== client) {
      return 'The language server has ended.';
    }
    this.#current = undefined;
    const next = this.#policy.ended(Date.now());
    if (next.action === 'give-up') {
      this.#show('gave-up');
      this.#endings.gaveUp(RestartPolicy.maxEnds);
      return `The language server ended ${RestartPolicy.maxEnds} times within 3 minutes and stays down.`;
    }
    this.#show('restarting');
    this.#restartTimer = setTimeout(() => this.start(), next.delayMs);
    if (next.first) {
      this.#endings.restarting();
    }
    return `The language server ended by itself; it starts again in ${next.delayMs / 1000} s.`;
  }

  #showStatus(client: LanguageClient, status: Status): void {
    if (this.#current === client) {
      this.#show(client.state === State.Running ? 'running' : this.#view.life, status);
    }
  }

  #show(life: ServerLife, status?: Status): void {
    this.#view = status ? { life, status } : { life };
    this.#changes.fire(this.#view);
  }

  #clearTimer(): void {
    clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
  }
}

async function withPatience(work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
