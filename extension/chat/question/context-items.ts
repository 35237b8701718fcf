/** The context of the next question: the selection and the current file, which are always offered, and what the user added. */

import * as vscode from 'vscode';
import type { Chip, MentionKind } from '../../../language-server/protocol/chat-page';
import { cutMiddle } from '../../../language-server/protocol/cut';
import { limits } from '../../../language-server/protocol/limits';
import { describeError, UserError } from '../../errors';
import { isReadable, placeName, rangeName } from '../../workspace-paths';
import { type MentionItem, type MentionItems, mentionCandidates } from './mentions';
import type { Attachment, QuestionContext } from './question-context';

/** The selection and the current file take up two of the chips. */
const maxAdded = limits.chips - 2;

const settleMs = 150;

export class ContextItems implements vscode.Disposable {
  readonly #changes = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable;
  #added: readonly MentionItem[] = [];
  #offered: readonly MentionItem[] = [];
  /** Ids of the editor's chips that the user removed. They come back when another editor is active. */
  readonly #removed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #editor: vscode.TextEditor | undefined;

  readonly onDidChange = this.#changes.event;

  constructor() {
    this.#editor = vscode.window.activeTextEditor;
    this.#subscriptions = vscode.Disposable.from(
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        this.#editor = editor;
        this.#removed.clear();
        this.#soon();
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === this.#editor) {
          this.#removed.delete('selection');
          this.#soon();
        }
      }),
    );
  }

  get chips(): Chip[] {
    const chips: Chip[] = [];
    const editor = this.#readableEditor();
    if (editor) {
      const { uri } = editor.document;
      if (!editor.selection.isEmpty && !this.#removed.has('selection')) {
        chips.push({
          id: 'selection',
          kind: 'selection',
          label: cutMiddle(rangeName(uri, editor.selection), limits.label),
          detail: 'The selection',
        });
      }
      if (!this.#removed.has('current')) {
        const label = cutMiddle(placeName(uri), limits.label);
        chips.push({ id: 'current', kind: 'current', label, detail: 'The current file' });
      }
    }
    return [...chips, ...this.#added.map(({ candidate }) => candidate)];
  }

  async candidates(type: MentionKind, query: string): Promise<MentionItems> {
    const found = await mentionCandidates(type, query);
    this.#offered = found.items;
    return found;
  }

  /** Adds an item that was offered. */
  add(id: string): void {
    const item = this.#offered.find(({ candidate }) => candidate.id === id);
    if (item) {
      this.addItem(item);
    }
  }

  /** @throws UserError when no more can be added */
  addItem(item: MentionItem): void {
    const { id } = item.candidate;
    if (!this.#added.some(({ candidate }) => candidate.id === id)) {
      if (this.#added.length >= maxAdded) {
        throw new UserError(`At most ${maxAdded} items can be added to a question. Add a folder instead of its files.`);
      }
      this.#added = [...this.#added, item];
      this.#changes.fire();
    }
  }

  remove(id: string): void {
    if (id === 'selection' || id === 'current') {
      this.#removed.add(id);
    }
    this.#added = this.#added.filter(({ candidate }) => candidate.id !== id);
    this.#changes.fire();
  }

  /** Removes what was added: it was for one question. */
  asked(): void {
    this.#added = [];
    this.#changes.fire();
  }

  async resolve(): Promise<QuestionContext> {
    const chips = this.chips;
    const editor = this.#readableEditor();
    const references: { readonly uri: string }[] = [];
    const attachments: Attachment[] = [];
    const unread: { readonly label: string; readonly reason: string }[] = [];
    for (const { candidate, resolve } of this.#added) {
      try {
        const resolved = await resolve();
        references.push(...(resolved.references ?? []));
        attachments.push(...(resolved.attachments ?? []));
      } catch (error) {
        // an item that has disappeared meanwhile is left out of the question
        unread.push({ label: candidate.label, reason: `cannot be read: ${describeError(error)}` });
      }
    }
    const has = (id: string) => chips.some((chip) => chip.id === id);
    if (editor && has('current')) {
      references.push({ uri: editor.document.uri.toString() });
    }
    const selection =
      editor && has('selection')
        ? {
            uri: editor.document.uri.toString(),
            text: editor.document.getText(editor.selection),
            firstLine: editor.selection.start.line,
          }
        : undefined;
    return { chips, references, attachments, unread, ...(selection === undefined ? {} : { selection }) };
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscriptions.dispose();
    this.#changes.dispose();
  }

  #readableEditor(): vscode.TextEditor | undefined {
    return this.#editor && isReadable(this.#editor.document.uri) ? this.#editor : undefined;
  }

  /** Fires the change after a pause, as a selection changes often while it is made. */
  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changes.fire(), settleMs);
  }
}
