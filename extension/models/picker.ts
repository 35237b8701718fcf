/** The list of models: those of this machine, those of the catalogue and the hub, a file; with what can be done to each. */

import * as vscode from 'vscode';
import { formatBytes } from '../../language-server/protocol/format';
import {
  type ListedModel,
  listModelsRequest,
  lookAtModelRequest,
  type ModelList,
  type RemoteModel,
  recommendModelsRequest,
  removeModelRequest,
} from '../../language-server/protocol/models';
import { confirm, showFailure, showResult, warn } from '../notify';
import type { LanguageServer } from '../server/client';
import type { Downloads } from './downloads';
import {
  fileButtons,
  isReference,
  lookOrDownload,
  pickerRows,
  type Row,
  type RowAction,
  type RowButton,
  remoteRows,
  type Separator,
} from './rows';
import { chooseFile, chosenFile, useListed } from './use-model';

type Action = RowButton['action'];

interface RowItem extends vscode.QuickPickItem {
  readonly row: Row | undefined;
}

interface RowItemButton extends vscode.QuickInputButton {
  readonly action: Action;
}

export class ModelPicker {
  readonly #server: LanguageServer;
  readonly #output: vscode.LogOutputChannel;
  readonly #downloads: Downloads;
  /** Of the hub, for as long as the window lives. */
  #recommended: readonly ListedModel[] | undefined;

  constructor(server: LanguageServer, output: vscode.LogOutputChannel, downloads: Downloads) {
    this.#server = server;
    this.#output = output;
    this.#downloads = downloads;
  }

  /** Resolves when the list is closed and what was chosen is done, but for downloads, which go on. */
  async show(): Promise<void> {
    const action = await this.#choose();
    if (action !== undefined) {
      await this.#run(action);
    }
  }

  #choose(): Promise<Action | undefined> {
    const pick = vscode.window.createQuickPick<RowItem>();
    const closed = new AbortController();
    let list: ModelList | undefined;
    pick.title = 'Choose a Model';
    pick.matchOnDescription = true;
    pick.matchOnDetail = true;
    pick.keepScrollPosition = true;
    const showRows = () => {
      const state = {
        list,
        recommended: this.#stillElsewhere(list),
        download: this.#server.view.status?.download,
        typed: pick.value,
        canReveal: canReveal(),
      };
      showIn(pick, pickerRows(state));
      pick.placeholder = this.#placeholder(list);
    };
    const load = async () => {
      if (this.#server.view.life !== 'running') {
        return;
      }
      pick.busy = true;
      try {
        list = await this.#server.call<ModelList>(listModelsRequest, {}, closed.signal);
      } catch (error) {
        if (!closed.signal.aborted) {
          void showFailure(error, 'The list of models', this.#output);
        }
      }
      pick.busy = false;
      showRows();
    };
    return new Promise((resolve) => {
      let seen = this.#server.view;
      const subscriptions = vscode.Disposable.from(
        pick,
        this.#server.onDidChange((view) => {
          const isOther =
            view.life !== seen.life ||
            (view.status?.download === undefined) !== (seen.status?.download === undefined) ||
            view.status?.state !== seen.status?.state;
          const isMoving = view.status?.download !== seen.status?.download;
          seen = view;
          if (isOther) {
            void load();
          } else if (isMoving) {
            showRows();
          }
        }),
        pick.onDidChangeValue(showRows),
        pick.onDidAccept(() => {
          const action = pick.selectedItems[0]?.row?.action;
          if (action !== undefined && action.kind !== 'none') {
            resolve(action);
            pick.hide();
          }
        }),
        pick.onDidTriggerItemButton(({ button }) => {
          resolve((button as RowItemButton).action);
          pick.hide();
        }),
        pick.onDidHide(() => {
          resolve(undefined);
          closed.abort();
          subscriptions.dispose();
        }),
      );
      showRows();
      pick.show();
      void load();
    });
  }

  #placeholder(list: ModelList | undefined): string {
    if (this.#server.view.life !== 'running') {
      return 'The language server is not running: models are listed when it runs';
    }
    return list?.fromEnvironment === undefined
      ? 'Choose a model, or type OWNER/REPOSITORY of the hub'
      : `FASA_MODEL names ${list.fromEnvironment}, which is used whatever is chosen here`;
  }

  /** What was looked up once, without what was downloaded since. */
  #stillElsewhere(list: ModelList | undefined): readonly ListedModel[] | undefined {
    const elsewhere = new Set(list?.models.flatMap(({ id, store }) => (store === undefined ? [id] : [])));
    return list === undefined ? undefined : this.#recommended?.filter(({ id }) => elsewhere.has(id));
  }

  async #run(action: Action): Promise<void> {
    switch (action.kind) {
      case 'use':
        return useListed(this.#server, this.#output, action.model);
      case 'download':
        this.#download(action.model, action.name);
        return;
      case 'pause':
        await this.#downloads.pause();
        return;
      case 'recommend':
        return this.#recommend();
      case 'look':
        return this.#look(action.model);
      case 'hub':
        return this.#askForReference();
      case 'file':
        return chooseFile(this.#server, this.#output);
      case 'manage':
        return this.#manage();
      case 'reveal':
        await reveal(action.model);
        return;
      case 'remove':
        return this.#remove(action.model);
      case 'none':
        return;
    }
  }

  /** Goes on while the user does something else. */
  #download(model: string, name: string): void {
    const done = model === 'default' ? this.#downloads.startDefault() : this.#downloads.start(model, name);
    done.catch((error: unknown) => void showFailure(error, `The download of ${name}`, this.#output));
  }

  async #recommend(): Promise<void> {
    this.#recommended = await this.#whileAsking('Asking the hub for sizes', (signal) =>
      this.#server.call<ListedModel[]>(recommendModelsRequest, {}, signal),
    );
    await this.show();
  }

  async #look(model: string): Promise<void> {
    const found = await this.#whileAsking(`Asking the hub for ${model}`, (signal) =>
      this.#server.call<RemoteModel>(lookAtModelRequest, { model }, signal),
    );
    if (found === undefined) {
      return;
    }
    const action = await pickRow(remoteRows(found), `${found.name}, of ${found.repository}`, 'Choose what to download');
    if (action !== undefined) {
      await this.#run(action);
    }
  }

  /** @returns undefined when the user does not want to wait */
  async #whileAsking<T>(title: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const abort = new AbortController();
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (_progress, token) => {
        const subscription = token.onCancellationRequested(() => abort.abort());
        try {
          return await ask(abort.signal);
        } catch (error) {
          if (abort.signal.aborted) {
            return undefined;
          }
          throw error;
        } finally {
          subscription.dispose();
        }
      },
    );
  }

  async #askForReference(): Promise<void> {
    const typed = await vscode.window.showInputBox({
      title: 'A Model of the Hub',
      prompt: 'OWNER/REPOSITORY, OWNER/REPOSITORY:FILE, or the address of a GGUF file',
      placeHolder: 'Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF',
      validateInput: (text) =>
        text.trim() === '' || isReference(text.trim()) ? undefined : 'Write OWNER/REPOSITORY, or an https address.',
    });
    if (typed !== undefined && isReference(typed.trim())) {
      await this.#run(lookOrDownload(typed.trim()));
    }
  }

  /** What the buttons of the list do, for the keyboard. */
  async #manage(): Promise<void> {
    const { signal } = new AbortController();
    const { models } = await this.#server.call<ModelList>(listModelsRequest, {}, signal);
    const rows = models
      .filter(({ file }) => file !== undefined)
      .flatMap((model) => fileButtons(model, { canReveal: canReveal() }).map((button) => ({ model, button })));
    const items = rows.map(({ model, button }) => ({
      label: `$(${button.icon}) ${button.action.kind === 'reveal' ? 'Show' : 'Remove'} ${plain(model.name)}`,
      description: plain(model.file ?? ''),
      button,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: 'Remove a Model, or Show Its File',
      placeHolder: items.length === 0 ? 'There is nothing to remove' : 'Models of other programs are removed by them',
      matchOnDescription: true,
    });
    if (chosen !== undefined) {
      await this.#run(chosen.button.action);
    }
  }

  async #remove({ file = '', name, bytes, begunBytes }: ListedModel): Promise<void> {
    const isInUse = file !== '' && file === chosenFile();
    const wanted = await confirm(
      `Remove ${name}?`,
      `${file} is deleted, which frees ${formatBytes(begunBytes ?? bytes ?? 0)}. It can be downloaded again.` +
        (isInUse ? ' It is the model in use.' : ''),
      'Remove',
    );
    if (!wanted) {
      return;
    }
    const { signal } = new AbortController();
    await this.#server.call(removeModelRequest, { file }, signal);
    showResult(`${name} is removed`);
    await this.show();
  }
}

/** Shown where they lie only when this window runs on the same machine. */
function canReveal(): boolean {
  return vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
}

async function reveal({ file = '', name }: ListedModel): Promise<void> {
  try {
    await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(file));
  } catch {
    await warn(`${name} lies at ${file}, which cannot be shown here.`);
  }
}

function showIn(pick: vscode.QuickPick<RowItem>, rows: readonly (Row | Separator)[]): void {
  const active = pick.activeItems[0]?.row?.id;
  pick.items = rows.map(itemOf);
  const again = pick.items.find(({ row }) => row !== undefined && row.id === active);
  if (again !== undefined) {
    pick.activeItems = [again];
  }
}

async function pickRow(rows: readonly Row[], title: string, placeHolder: string): Promise<RowAction | undefined> {
  const chosen = await vscode.window.showQuickPick(rows.map(itemOf), { title, placeHolder, matchOnDescription: true });
  return chosen?.row?.action;
}

function itemOf(row: Row | Separator): RowItem {
  if (row.kind === 'separator') {
    return { label: row.label, kind: vscode.QuickPickItemKind.Separator, row: undefined };
  }
  const buttons: RowItemButton[] = row.buttons.map(({ icon, tooltip, action }) => ({
    iconPath: new vscode.ThemeIcon(icon),
    tooltip,
    action,
  }));
  return {
    label: `$(${row.icon}) ${plain(row.label)}`,
    description: plain(row.description),
    detail: plain(row.detail),
    buttons,
    alwaysShow: row.alwaysShow === true,
    row,
  };
}

/** Names of models come from outside: what would be an icon in them is shown as it is. */
function plain(text: string): string {
  return text.replaceAll('$(', '\\$(');
}
