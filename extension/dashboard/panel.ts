/** The dashboard: a page in an editor tab that shows the server's status. */

import * as vscode from 'vscode';
import { cutMiddle } from '../../language-server/protocol/cut';
import { checkToHost, type FilesView, type ToHost, type ToView } from '../../language-server/protocol/dashboard-page';
import { limits } from '../../language-server/protocol/limits';
import { type ContextResult, contextRequest, measureRequest, type Status } from '../../language-server/protocol/server';
import { describeError, UserError } from '../errors';
import type { LanguageServer } from '../server/client';
import { showPage } from '../webview-page';
import { StatusHistory } from './history';
import { dashboardSvg } from './svg';
import { filesOf, nowOf } from './views';

const viewType = 'fasa.dashboard';
/** The minimum time between two updates of the files, and of the history. Milliseconds. */
const filesEveryMs = 2000;
const historyEveryMs = 1000;

export class Dashboard implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #server: LanguageServer;
  readonly #output: vscode.LogOutputChannel;
  readonly #history = new StatusHistory();
  readonly #subscription: vscode.Disposable;
  #panel: vscode.WebviewPanel | undefined;
  #measuring: AbortController | undefined;
  #filesTimer: NodeJS.Timeout | undefined;
  #historyTimer: NodeJS.Timeout | undefined;
  #filesKey = '';

  constructor(extensionUri: vscode.Uri, server: LanguageServer, output: vscode.LogOutputChannel) {
    this.#extensionUri = extensionUri;
    this.#server = server;
    this.#output = output;
    this.#subscription = server.onDidChange(({ status }) => {
      if (status) {
        this.#history.add(status, Date.now());
      }
      this.#follow(status);
    });
  }

  async show(): Promise<void> {
    if (this.#panel) {
      this.#panel.reveal();
      return;
    }
    const title = 'FASA Dashboard';
    const panel = vscode.window.createWebviewPanel(viewType, title, vscode.ViewColumn.Active);
    this.#panel = panel;
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#measuring?.abort();
    });
    showPage(panel.webview, this.#extensionUri, this.#output, {
      name: 'dashboard',
      title,
      check: checkToHost,
      handle: (message) => this.#handle(message),
    });
  }

  dispose(): void {
    clearTimeout(this.#filesTimer);
    clearTimeout(this.#historyTimer);
    this.#measuring?.abort();
    this.#subscription.dispose();
    this.#panel?.dispose();
  }

  async #handle(message: ToHost): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.#filesKey = '';
        this.#post({ kind: 'now', now: nowOf(this.#server.view.status) });
        this.#postHistory();
        this.#post({ kind: 'measuring', running: this.#measuring !== undefined });
        return this.#postFiles();
      case 'measure':
        return this.#measure();
      case 'cancelMeasure':
        return this.#measuring?.abort();
      case 'exportJson':
        return this.#export('json', `${JSON.stringify(await this.#record(), undefined, 2)}\n`);
      case 'exportSvg': {
        const svg = dashboardSvg(this.#history.bytes, this.#history.speeds);
        if (svg === undefined) {
          throw new UserError('There is nothing to export yet: no plot has a measurement.');
        }
        return this.#export('svg', svg);
      }
      case 'chooseModel':
        await vscode.commands.executeCommand('fasa.chooseModel');
        return;
      case 'problem':
        return this.#output.warn(`The dashboard: ${message.text}`);
    }
  }

  async #measure(): Promise<void> {
    if (this.#measuring) {
      return;
    }
    const measuring = new AbortController();
    this.#measuring = measuring;
    this.#post({ kind: 'measuring', running: true });
    let problem: string | undefined;
    try {
      await this.#server.call<Status>(measureRequest, {}, measuring.signal);
    } catch (error) {
      problem = measuring.signal.aborted ? 'Cancelled.' : cutMiddle(describeError(error), limits.problem);
    } finally {
      this.#measuring = undefined;
    }
    this.#postHistory();
    this.#post({ kind: 'measuring', running: false, ...(problem === undefined ? {} : { problem }) });
  }

  #follow(status: Status | undefined): void {
    if (!this.#panel) {
      return;
    }
    this.#post({ kind: 'now', now: nowOf(status) });
    this.#historyTimer ??= setTimeout(() => {
      this.#historyTimer = undefined;
      this.#postHistory();
    }, historyEveryMs);
    const key = JSON.stringify([
      status?.repository?.files,
      status?.repository?.tokens,
      status?.repository?.tokensEncoded,
    ]);
    if (key !== this.#filesKey) {
      this.#filesTimer ??= setTimeout(() => {
        this.#filesTimer = undefined;
        this.#filesKey = key;
        void this.#postFiles();
      }, filesEveryMs);
    }
  }

  #postHistory(): void {
    const { bytes, speeds, requests } = this.#history;
    this.#post({ kind: 'history', bytes, speeds, requests });
  }

  async #postFiles(): Promise<void> {
    if (this.#panel) {
      const files = await this.#files();
      this.#post({ kind: 'files', ...(files === undefined ? {} : { files }) });
    }
  }

  async #files(): Promise<FilesView | undefined> {
    try {
      const { folders } = await this.#server.call<ContextResult>(contextRequest, {}, AbortSignal.timeout(30_000));
      return filesOf(folders);
    } catch (error) {
      // without a running server and a model, the page says that there are no files
      this.#output.debug(`The dashboard has no list of files: ${describeError(error)}`);
      return undefined;
    }
  }

  /** All that the dashboard shows, as it was measured. */
  async #record(): Promise<object> {
    const { bytes, speeds, requests } = this.#history;
    return {
      exportedAt: new Date().toISOString(),
      status: this.#server.view.status ?? null,
      bytes,
      speeds,
      requests,
      files: (await this.#files()) ?? null,
    };
  }

  async #export(ending: 'json' | 'svg', content: string): Promise<void> {
    const target = await vscode.window.showSaveDialog({
      title: `Export the dashboard as ${ending.toUpperCase()}`,
      filters: { [ending.toUpperCase()]: [ending] },
    });
    if (target) {
      await vscode.workspace.fs.writeFile(target, Buffer.from(content, 'utf8'));
    }
  }

  #post(message: ToView): void {
    void this.#panel?.webview.postMessage(message);
  }
}
