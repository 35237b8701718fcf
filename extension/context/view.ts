import * as vscode from 'vscode';
import { formatCompact } from '../../language-server/protocol/format';
import { visible } from '../../language-server/protocol/hidden';
import {
  type ChooseContextParams,
  type ChooseContextResult,
  type ContextFolder,
  type ContextResult,
  chooseContextRequest,
  contextRequest,
} from '../../language-server/protocol/server';
import { describeError } from '../errors';
import { confirm } from '../notify';
import type { LanguageServer } from '../server/client';
import { type ContextNode, contextTree, describeNode, iconOfNode, menuOfNode, secretSentence } from './tree-model';

const contextViewId = 'fasa.context';

/** The minimum time between two updates of the tree. Milliseconds. */
const minIntervalMs = 1000;

/** A tree in the explorer of what is in the context: each file with its tokens, its state, or why it is left out. */
export class ContextView implements vscode.TreeDataProvider<ContextNode>, vscode.Disposable {
  readonly #server: LanguageServer;
  readonly #output: vscode.LogOutputChannel;
  readonly #changes = new vscode.EventEmitter<undefined>();
  readonly #view: vscode.TreeView<ContextNode>;
  readonly #subscriptions: vscode.Disposable[] = [];
  #shown = '';
  #timer: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData = this.#changes.event;

  constructor(server: LanguageServer, output: vscode.LogOutputChannel) {
    this.#server = server;
    this.#output = output;
    this.#view = vscode.window.createTreeView(contextViewId, { treeDataProvider: this, showCollapseAll: true });
    this.#subscriptions.push(
      this.#view,
      this.#changes,
      server.onDidChange(() => this.#follow()),
      this.#view.onDidChangeVisibility(() => this.#follow()),
    );
    this.#follow();
  }

  getTreeItem(node: ContextNode): vscode.TreeItem {
    const uri = uriOf(node);
    const isRoot = node.path === '';
    const state =
      node.children.length === 0
        ? vscode.TreeItemCollapsibleState.None
        : isRoot
          ? vscode.TreeItemCollapsibleState.Expanded
          : vscode.TreeItemCollapsibleState.Collapsed;
    const item = new vscode.TreeItem(node.name, state);
    const icon = iconOfNode(node);
    item.id = `${node.folderUri} ${node.path}`;
    item.description = describeNode(node);
    item.tooltip = `${vscode.workspace.asRelativePath(uri)}: ${item.description}`;
    item.iconPath = icon === undefined ? vscode.ThemeIcon.Folder : new vscode.ThemeIcon(icon);
    item.contextValue = menuOfNode(node);
    item.accessibilityInformation = { label: `${node.name}, ${item.description}` };
    if (node.kind === 'file') {
      item.command = { command: 'vscode.open', title: 'Open', arguments: [uri] };
    }
    return item;
  }

  async getChildren(node?: ContextNode): Promise<ContextNode[]> {
    if (node !== undefined) {
      return [...node.children];
    }
    try {
      const { folders } = await this.#server.call<ContextResult>(contextRequest, {}, new AbortController().signal);
      const roots = folders.map(contextTree).filter((root) => root.children.length > 0);
      this.#view.message = messageOf(folders, roots) ?? '';
      const [only, ...more] = roots;
      return only !== undefined && more.length === 0 ? [...only.children] : roots;
    } catch (error) {
      this.#view.message = 'The language server is not responding.';
      this.#output.info(`The context is not shown: ${describeError(error)}`);
      return [];
    }
  }

  async show(): Promise<void> {
    await vscode.commands.executeCommand(`${contextViewId}.focus`);
  }

  /** Includes or excludes a node of the tree as the user chose. */
  async choose(argument: unknown, choice: ChooseContextParams['choice']): Promise<void> {
    if (!isNode(argument)) {
      return;
    }
    const params: ChooseContextParams = { uri: uriOf(argument).toString(), choice };
    const { signal } = new AbortController();
    const result = await this.#server.call<ChooseContextResult>(chooseContextRequest, params, signal);
    if (result !== null) {
      const { name } = argument;
      const detail = `${secretSentence(name, result.secret)} Once it is included, the model reads it and may repeat it.`;
      if (!(await confirm(`Include ${name} although it looks like a secret?`, detail, 'Include Anyway'))) {
        return;
      }
      await this.#server.call(chooseContextRequest, { ...params, confirmed: true }, signal);
    }
    this.#changes.fire(undefined);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  /** Updates the tree only while it is visible, and only when the status has changed. */
  #follow(): void {
    const { life, status } = this.#server.view;
    const now = JSON.stringify([life, status?.state === 'off', status?.repository]);
    if (now === this.#shown || !this.#view.visible || this.#timer !== undefined) {
      return;
    }
    this.#shown = now;
    this.#changes.fire(undefined);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#follow();
    }, minIntervalMs);
  }
}

function messageOf(folders: readonly ContextFolder[], roots: readonly ContextNode[]): string | undefined {
  if (roots.length > 0) {
    const problems = folders.flatMap(({ ruleProblems = [] }) => ruleProblems);
    const more = problems.length > 3 ? ` ${formatCompact(problems.length - 3)} more like these.` : '';
    return problems.length === 0 ? undefined : `${problems.slice(0, 3).map(visible).join(' ')}${more}`;
  }
  return folders.length === 0
    ? 'No folder is open.'
    : 'No files are indexed: the model is not loaded or not calibrated, or repository context is disabled.';
}

function uriOf({ folderUri, path }: ContextNode): vscode.Uri {
  const folder = vscode.Uri.parse(folderUri, true);
  return path === '' ? folder : vscode.Uri.joinPath(folder, path);
}

function isNode(value: unknown): value is ContextNode {
  return typeof value === 'object' && value !== null && 'folderUri' in value && 'path' in value;
}
