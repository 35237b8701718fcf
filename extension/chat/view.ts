/** The chat panel: a webview view, and the handlers of its messages. */

import * as vscode from 'vscode';
import { withoutThoughts } from '../../language-server/protocol/answer/answer';
import { checkToHost, type ToHost, type ToView } from '../../language-server/protocol/chat-page';
import type { AskCommand } from '../../language-server/protocol/server';
import type { BlockApplier } from '../edits/apply-block';
import { UserError } from '../errors';
import { confirm, inform } from '../notify';
import type { LanguageServer } from '../server/client';
import { showPage } from '../webview-page';
import { placeName, resolveInWorkspace } from '../workspace-paths';
import { CitationMarks } from './citations';
import { toMarkdown } from './conversations/export';
import { ConversationStore } from './conversations/store';
import type { ChatEngine } from './engine';
import { openLink } from './links';
import { ContextItems } from './question/context-items';
import { problemsAt } from './question/mentions';
import { ChatSession } from './session';
import { candidatesMessage, conversationsMessage, serverMessage } from './views';

const chatViewId = 'fasa.chat';

interface ChatViewParts {
  readonly context: vscode.ExtensionContext;
  readonly output: vscode.LogOutputChannel;
  readonly server: LanguageServer;
  readonly engine: ChatEngine;
  readonly applier: BlockApplier;
}

/** The key of the workspace's last conversation, which is shown again when the window opens. */
const lastKey = 'fasa.chat.last';

export class ChatView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #parts: ChatViewParts;
  readonly #items = new ContextItems();
  readonly #marks = new CitationMarks();
  readonly #store: ConversationStore;
  readonly #session: ChatSession;
  readonly #subscriptions: vscode.Disposable;
  #view: vscode.WebviewView | undefined;
  #ready = false;
  /** Messages that wait for the page to be ready. */
  #waiting: ToView[] = [];
  #serverState = '';
  #showCount = 0;
  #lastDraft: { readonly text: string; readonly command?: AskCommand } = { text: '' };

  constructor(parts: ChatViewParts) {
    this.#parts = parts;
    const { context, output, server, engine } = parts;
    const storage = context.storageUri ?? context.globalStorageUri;
    this.#store = new ConversationStore(vscode.Uri.joinPath(storage, 'conversations').fsPath, (text) =>
      output.warn(text),
    );
    this.#session = new ChatSession({
      store: this.#store,
      engine,
      post: (message) => this.#post(message),
      path: (uri) => placeName(vscode.Uri.parse(uri)),
      context: () => this.#items.resolve(),
      asked: () => {
        this.#items.asked();
        void context.workspaceState.update(lastKey, this.#session.conversation.id);
      },
      get trusted() {
        return vscode.workspace.isTrusted;
      },
      warn: (text) => output.warn(text),
    });
    this.#subscriptions = vscode.Disposable.from(
      vscode.window.registerWebviewViewProvider(chatViewId, this),
      this.#items.onDidChange(() => this.#post({ kind: 'chips', chips: this.#items.chips })),
      server.onDidChange(() => this.#showServer(false)),
    );
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { extensionUri } = this.#parts.context;
    this.#view = view;
    this.#ready = false;
    view.onDidDispose(() => {
      this.#view = undefined;
      this.#ready = false;
    });
    showPage(view.webview, extensionUri, this.#parts.output, {
      name: 'chat',
      title: 'FASA Chat',
      check: checkToHost,
      handle: (message) => this.#handle(message),
    });
  }

  /** Opens the panel with the caret in the text field. */
  focus(): Promise<void> {
    return this.#show('chat');
  }

  async startNew(): Promise<void> {
    await this.#session.startNew();
    await this.#remember();
    await this.focus();
  }

  showConversations(): Promise<void> {
    return this.#show('conversations');
  }

  async exportCurrent(): Promise<void> {
    await this.#export(this.#session.conversation.id);
  }

  /** Asks a command of the editor's menu about the selection, else about the current file, or about the problems of a line. */
  async askCommand(command: AskCommand, argument: unknown): Promise<void> {
    const problem = problemPlace(argument);
    await this.focus();
    if (this.#session.busy) {
      await inform('An answer is still being generated. Stop it before asking another question.');
      return;
    }
    if (problem) {
      this.#items.addItem(problemsAt(problem.uri, problem.line));
    }
    await this.#session.ask('', command);
    await this.#remember();
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#items.dispose();
    this.#marks.dispose();
    this.#view = undefined;
  }

  /** Opening the panel takes time: when two calls overlap, the later one counts. */
  async #show(what: 'chat' | 'conversations'): Promise<void> {
    this.#showCount += 1;
    const call = this.#showCount;
    await vscode.commands.executeCommand(`${chatViewId}.focus`);
    if (call === this.#showCount) {
      this.#post({ kind: 'show', what });
    }
  }

  #post(message: ToView): void {
    if (this.#view && this.#ready) {
      void this.#view.webview.postMessage(message);
    } else if (message.kind === 'show' || message.kind === 'compose') {
      // the page gets all other state when it is ready
      this.#waiting.push(message);
    }
  }

  async #handle(message: ToHost): Promise<void> {
    switch (message.kind) {
      case 'ready':
        return this.#pageReady();
      case 'ask':
        this.#lastDraft = { text: '' };
        await this.#askOrGiveBack(message.text, message.command);
        return this.#remember();
      case 'stop':
        return this.#session.stop();
      case 'retry':
        return this.#session.retry(message.turn);
      case 'edit':
        return this.#session.edit(message.turn, message.text);
      case 'delete':
        return this.#session.delete(message.turn);
      case 'copy':
        return this.#copy(message.turn);
      case 'draft':
        this.#lastDraft = message;
        return this.#session.measure(message.text, message.command);
      case 'mention': {
        const { items, found } = await this.#items.candidates(message.type, message.query);
        const candidates = items.map(({ candidate }) => candidate);
        return this.#post(candidatesMessage(message.request, candidates, found));
      }
      case 'addChip':
        return this.#items.add(message.id);
      case 'removeChip':
        return this.#items.remove(message.id);
      case 'openCitation': {
        const citation = this.#session.turn(message.turn)?.citations[message.index];
        return citation && this.#marks.open(citation);
      }
      case 'openLink':
        return openLink(message.url);
      case 'apply': {
        await this.#parts.applier.apply(this.#session.turn(message.turn)?.answer ?? '', message.block, message.action);
        return message.action === 'copy' ? this.#post({ kind: 'say', text: 'Copied.' }) : undefined;
      }
      case 'chooseModel':
        await vscode.commands.executeCommand('fasa.chooseModel');
        return;
      case 'newConversation':
        return this.startNew();
      case 'listConversations':
        return this.#list(message.query);
      case 'openConversation':
        await this.#session.open(message.id);
        return this.#remember();
      case 'renameConversation':
        await this.#store.rename(message.id, message.title);
        await this.#session.refresh();
        return this.#list('');
      case 'deleteConversation':
        return this.#delete(message.id);
      case 'showEarlier':
        return this.#session.showEarlier(message.turn);
      case 'exportConversation':
        return this.#export(message.id);
      case 'problem':
        return this.#parts.output.warn(`The chat panel: ${message.text}`);
    }
  }

  /** Puts a question that cannot be asked back into the text field. */
  async #askOrGiveBack(text: string, command: AskCommand | undefined): Promise<void> {
    try {
      await this.#session.ask(text, command);
    } catch (error) {
      this.#post({ kind: 'compose', text: command === undefined ? text : `/${command} ${text}` });
      throw error;
    }
  }

  async #pageReady(): Promise<void> {
    this.#ready = true;
    // this comes before the first await, so that later messages come after these
    for (const message of this.#waiting.splice(0)) {
      this.#post(message);
    }
    const last = this.#parts.context.workspaceState.get<string>(lastKey);
    if (last !== undefined && this.#session.conversation.turns.length === 0) {
      await this.#session.open(last);
    } else {
      this.#session.show();
    }
    this.#post({ kind: 'chips', chips: this.#items.chips });
    this.#showServer(true);
  }

  #showServer(always: boolean): void {
    const message = serverMessage(this.#parts.server.view, vscode.workspace.isTrusted);
    const state = JSON.stringify(message);
    if (always || state !== this.#serverState) {
      const became = message.ready && this.#serverState !== '' && !always;
      this.#serverState = state;
      this.#post(message);
      if (became) {
        void this.#session.measure(this.#lastDraft.text, this.#lastDraft.command);
      }
    }
  }

  async #list(query: string): Promise<void> {
    this.#post(conversationsMessage(query, await this.#store.search(query)));
  }

  async #copy(id: string): Promise<void> {
    const answer = this.#session.turn(id)?.answer;
    if (answer !== undefined) {
      await vscode.env.clipboard.writeText(withoutThoughts(answer));
      this.#post({ kind: 'say', text: 'Copied.' });
    }
  }

  async #delete(id: string): Promise<void> {
    const title = (await this.#store.get(id))?.title ?? '';
    if (await confirm(`Delete the conversation "${title}"?`, '', 'Delete')) {
      if (id === this.#session.conversation.id) {
        await this.#session.stop();
      }
      await this.#store.delete(id);
      if (id === this.#session.conversation.id) {
        await this.#session.startNew();
      }
      await this.#list('');
    }
  }

  async #export(id: string): Promise<void> {
    const conversation = await this.#store.get(id);
    if (conversation === undefined) {
      throw new UserError('There is nothing to export yet.');
    }
    const name =
      conversation.title
        .replace(/[^\w -]+/g, '')
        .trim()
        .slice(0, 60) || 'conversation';
    const place = resolveInWorkspace(`${name}.md`, vscode.window.activeTextEditor?.document.uri);
    const target = await vscode.window.showSaveDialog({
      title: 'Export Conversation',
      filters: { Markdown: ['md'] },
      ...(place ? { defaultUri: place } : {}),
    });
    if (target) {
      await vscode.workspace.fs.writeFile(target, Buffer.from(toMarkdown(conversation), 'utf8'));
      this.#post({ kind: 'say', text: 'Exported.' });
    }
  }

  async #remember(): Promise<void> {
    const { id, turns } = this.#session.conversation;
    await this.#parts.context.workspaceState.update(lastKey, turns.length > 0 ? id : undefined);
  }
}

/** Reads the argument that a code action on a problem passes to its command. */
function problemPlace(argument: unknown): { readonly uri: vscode.Uri; readonly line: number } | undefined {
  const place = typeof argument === 'object' && argument !== null ? (argument as Record<string, unknown>) : {};
  const { problem, line } = place;
  return typeof problem === 'string' && typeof line === 'number' ? { uri: vscode.Uri.parse(problem), line } : undefined;
}
