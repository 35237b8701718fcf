import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  type FocusParams,
  focusNotification,
  getStatusRequest,
  type Status,
  statusNotification,
} from '../../language-server/protocol/server';
import { describeError } from '../errors';
import { type Action, showError, showLogs, warn } from '../notify';
import { RestartPolicy, type ServerLife, type ServerView } from './life';
import { readServerSettings, settingsSection } from './settings';

/** The time that a start or a stop may take before the process is killed. Milliseconds. */
const timeoutMs = 5000;

/** One life of the server's process, from its start to its exit. */
interface Life {
  /** Absent until the language client is loaded. */
  client?: LanguageClient;
  /** Resolves when the start has succeeded or failed; never rejects. */
  started?: Promise<void>;
}

/**
 * The language server over all lives of its process. Each life has its own language client, so that nothing of an earlier
 * one stays registered. The addon and the model are loaded in that process, never in the extension host.
 */
export class LanguageServer implements vscode.Disposable {
  readonly #extensionPath: string;
  readonly #output: vscode.LogOutputChannel;
  readonly #changes = new vscode.EventEmitter<ServerView>();
  readonly #policy = new RestartPolicy();
  #current: Life | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #view: ServerView = { life: 'stopped' };

  readonly onDidChange = this.#changes.event;

  constructor(extensionPath: string, output: vscode.LogOutputChannel) {
    this.#extensionPath = extensionPath;
    this.#output = output;
  }

  get view(): ServerView {
    return this.#view;
  }

  /** The id of the server's process; undefined while there is none. */
  get processId(): number | undefined {
    return this.#current?.client?.serverProcess?.pid;
  }

  /** Starts the server unless it is started. Does not throw: a start that fails counts as an exit. */
  start(): void {
    if (this.#current) {
      return;
    }
    this.#clearTimer();
    const life: Life = {};
    this.#current = life;
    this.#show('starting');
    life.started = this.#run(life);
  }

  /** Restarts the server as the user asked; earlier exits no longer count. */
  async restart(): Promise<void> {
    this.#output.info('Restarting the language server.');
    this.#policy.reset();
    await this.stop();
    this.start();
  }

  get restartAction(): Action {
    return { title: 'Restart', run: () => this.restart() };
  }

  async stop(): Promise<void> {
    this.#clearTimer();
    const life = this.#current;
    this.#current = undefined;
    this.#show('stopped');
    if (!life) {
      return;
    }
    await withTimeout(life.started);
    const process = life.client?.serverProcess;
    try {
      if (life.client?.isRunning()) {
        await life.client.stop(timeoutMs);
        return;
      }
    } catch (error) {
      this.#output.warn(`The language server did not stop by itself: ${describeError(error)}`);
    }
    process?.kill();
  }

  /** Sends a request without parameters. @throws Error when no server runs */
  async request<R>(method: string): Promise<R> {
    return this.#running().sendRequest<R>(method);
  }

  /**
   * Sends a request with parameters, partial results and cancellation.
   * @throws the error that the server answered, or an Error when no server runs
   */
  async call<R, P = never>(
    method: string,
    params: object,
    signal: AbortSignal,
    onPartial?: (part: P) => void,
  ): Promise<R> {
    const client = this.#running();
    const { ProgressType } = await import('vscode-languageclient/node');
    const source = new vscode.CancellationTokenSource();
    const cancel = () => source.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) {
      cancel();
    }
    const token = crypto.randomUUID();
    const progress = onPartial && client.onProgress(new ProgressType<P>(), token, onPartial);
    try {
      const partial = onPartial ? { partialResultToken: token } : {};
      return await client.sendRequest<R>(method, { ...params, ...partial }, source.token);
    } finally {
      signal.removeEventListener('abort', cancel);
      progress?.dispose();
      source.dispose();
    }
  }

  /** Sends the current settings to the running server. */
  async sendSettings(): Promise<void> {
    const client = this.#current?.client;
    if (client?.isRunning()) {
      await client.sendNotification('workspace/didChangeConfiguration', {
        settings: { [settingsSection]: readServerSettings() },
      });
    }
  }

  async sendFocus(focus: FocusParams): Promise<void> {
    const client = this.#current?.client;
    if (client?.isRunning()) {
      await client.sendNotification(focusNotification, focus);
    }
  }

  dispose(): void {
    this.#clearTimer();
    this.#changes.dispose();
  }

  #running(): LanguageClient {
    const client = this.#current?.client;
    if (!client?.isRunning()) {
      throw new Error('The language server is not running.');
    }
    return client;
  }

  async #run(life: Life): Promise<void> {
    try {
      // The language client is most of the bundle, so it is evaluated after the activation, when the status item is shown.
      await new Promise((resolve) => setTimeout(resolve, 0));
      const loadStarted = performance.now();
      const { createLanguageClient } = await import('./language-client');
      if (this.#current !== life) {
        return;
      }
      this.#output.debug(`Loaded the language client in ${(performance.now() - loadStarted).toFixed(0)} ms.`);
      const client = createLanguageClient({
        extensionPath: this.#extensionPath,
        output: this.#output,
        ended: () => this.#ended(life),
      });
      life.client = client;
      client.onNotification(statusNotification, (status: Status) => this.#showStatus(life, status));
      await client.start();
      if (this.#current !== life) {
        return;
      }
      this.#output.info(`The language server runs as process ${client.serverProcess?.pid}.`);
      this.#show('running', this.#view.status);
      this.#showStatus(life, await client.sendRequest<Status>(getStatusRequest));
    } catch (error) {
      if (this.#current === life && !life.client?.isRunning()) {
        this.#output.error(`The language server did not start: ${describeError(error)}`);
        this.#ended(life);
      }
    }
  }

  /** Decides what follows the exit of the process. @returns a line for the log */
  #ended(life: Life): string {
    if (this.#current !== life) {
      return 'The language server has ended.';
    }
    this.#current = undefined;
    const next = this.#policy.ended(Date.now());
    if (next.action === 'give-up') {
      this.#show('gave-up');
      const times = `${RestartPolicy.maxEnds} times within 3 minutes`;
      void showError(`The FASA Code language server ended ${times} and was not restarted.`, ...this.#actions());
      return `The language server ended ${times} and stays down.`;
    }
    this.#show('restarting');
    this.#restartTimer = setTimeout(() => this.start(), next.delayMs);
    if (next.first) {
      const message = 'The FASA Code language server ended unexpectedly and is being restarted.';
      void warn(message, ...this.#actions());
    }
    return `The language server ended by itself; it starts again in ${next.delayMs / 1000} s.`;
  }

  #actions(): Action[] {
    return [this.restartAction, showLogs(this.#output)];
  }

  #showStatus(life: Life, status: Status): void {
    if (this.#current === life) {
      this.#show(life.client?.isRunning() ? 'running' : this.#view.life, status);
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

async function withTimeout(work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
