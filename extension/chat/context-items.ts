/** What goes with the next question: the selection and the current file by themselves, and what the user added. */

import * as vscode from 'vscode';
import type { Candidate, Chip, MentionKind } from '../../media/chat/messages';
import { type MentionItem, mentionCandidates } from './mentions';
import { isReadable, placeName, rangeName } from './places';
import type { QuestionContext } from './session';

const settleMs = 150;

export class ContextItems implements vscode.Disposable {
  readonly #changes = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable;
  #added: readonly MentionItem[] = [];
  #offered: readonly MentionItem[] = [];
  /** Chips of the editor that the user removed: they stay away until the editor shows something else. */
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
          label: rangeName(uri, editor.selection),
          detail: 'The selection',
        });
      }
      if (!this.#removed.has('current')) {
        chips.push({ id: 'current', kind: 'current', label: placeName(uri), detail: 'The current file' });
      }
    }
    return [...chips, ...this.#added.map(({ candidate }) => candidate)];
  }

  async candidates(type: MentionKind, query: string): Promise<Candidate[]> {
    this.#offered = await mentionCandidates(type, query);
    return this.#offered.map(({ candidate }) => candidate);
  }

  /** One that was offered. */
  add(id: string): void {
    const item = this.#offered.find(({ candidate }) => candidate.id === id);
    if (item) {
      this.addItem(item);
    }
  }

  addItem(item: MentionItem): void {
    const { id } = item.candidate;
    if (!this.#added.some(({ candidate }) => candidate.id === id)) {
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

  /** What was added was for one question. */
  asked(): void {
    this.#added = [];
    this.#changes.fire();
  }

  async resolve(): Promise<QuestionContext> {
    const chips = this.chips;
    const editor = this.#readableEditor();
    const references: { readonly uri: string }[] = [];
    const attachments: { readonly label: string; readonly text: string }[] = [];
    for (const { resolve } of this.#added) {
      const resolved = await resolve();
      references.push(...(resolved.references ?? []));
      attachments.push(...(resolved.attachments ?? []));
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
    return { chips, references, attachments, ...(selection === undefined ? {} : { selection }) };
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscriptions.dispose();
    this.#changes.dispose();
  }

  #readableEditor(): vscode.TextEditor | undefined {
    return this.#editor && isReadable(this.#editor.document.uri) ? this.#editor : undefined;
  }

  /** A selection that is being made changes often. */
  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changes.fire(), settleMs);
  }
}
