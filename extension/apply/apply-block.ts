/** What the buttons of a code block do. Nothing is written before a button was pressed, or a change accepted. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { type CodePart, codeParts } from '../../media/chat/answer';
import { countHidden, withoutHidden } from '../../media/hidden';
import { isReadable, placeName, resolveInWorkspace } from '../chat/places';
import { ApplyError, applyChanges } from './changes';
import { type Reviews, textOf } from './review';
import type { Writer } from './writer';

export type BlockAction = 'insert' | 'replace' | 'newFile' | 'diff' | 'copy';

export class BlockApplier {
  readonly #writer: Writer;
  readonly #reviews: Reviews;

  constructor(writer: Writer, reviews: Reviews) {
    this.#writer = writer;
    this.#reviews = reviews;
  }

  /**
   * @param answer the host's own copy of it; @param block which of its code blocks
   * @throws ApplyError with what the user is told
   */
  async apply(answer: string, block: number, action: BlockAction): Promise<void> {
    const part = codeParts(answer)[block];
    if (part === undefined) {
      throw new ApplyError('The code block is no longer there.');
    }
    if (action === 'copy') {
      await vscode.env.clipboard.writeText(part.text);
      return;
    }
    const clean = await decideOnHidden(part);
    if (clean === undefined) {
      return;
    }
    switch (action) {
      case 'insert':
        return this.#writer.replaceSelection(editorOf('insert the code'), withoutLastLineEnd(clean.text), true);
      case 'replace':
        return this.#writer.replaceSelection(editorOf('replace the selection'), withoutLastLineEnd(clean.text), false);
      case 'newFile':
        return this.#newFile(clean);
      case 'diff':
        return this.#diff(clean);
    }
  }

  async #newFile(part: CodePart): Promise<void> {
    const near = vscode.window.activeTextEditor?.document.uri;
    if (part.path === undefined || resolveInWorkspace(part.path, near) === undefined) {
      const languages = await vscode.languages.getLanguages();
      const language = languages.includes(part.language) ? part.language : undefined;
      const document = await vscode.workspace.openTextDocument({
        content: part.text,
        ...(language === undefined ? {} : { language }),
      });
      await vscode.window.showTextDocument(document);
      return;
    }
    const named = await vscode.window.showInputBox({
      title: 'New file',
      prompt: 'Where to write the code, below the folder of the workspace',
      value: part.path,
      ignoreFocusOut: true,
    });
    const target = named === undefined ? undefined : resolveInWorkspace(named.trim(), near);
    if (named !== undefined && (target === undefined || named.trim() === '')) {
      throw new ApplyError(`Nothing was written to ${named}: it is outside of the workspace.`);
    }
    if (target === undefined) {
      return;
    }
    await this.#writer.check(target);
    if (await exists(target)) {
      throw new ApplyError(`${placeName(target)} is there already: use the diff to change it.`);
    }
    await this.#writer.createFile(target, part.text);
  }

  async #diff(part: CodePart): Promise<void> {
    const active = vscode.window.activeTextEditor;
    const target = part.path === undefined ? undefined : resolveInWorkspace(part.path, active?.document.uri);
    if (part.path !== undefined && target === undefined) {
      throw new ApplyError(`${part.path} is outside of the workspace.`);
    }
    if (target !== undefined) {
      await this.#writer.check(target);
    }
    const document =
      target !== undefined && (await exists(target))
        ? await vscode.workspace.openTextDocument(target)
        : target === undefined
          ? editorOf('compare the code').document
          : undefined;
    if (document === undefined) {
      throw new ApplyError(`There is no file ${part.path}: write the code to a new file.`);
    }
    await this.#writer.check(document.uri);
    const current = textOf(document);
    const selection = active?.document === document && !active.selection.isEmpty ? active.selection : undefined;
    const proposed =
      part.changes.length > 0 ? applyChanges(current, part.changes) : wholeOrSelection(document, selection, part.text);
    if (proposed === current) {
      throw new ApplyError(`${path.posix.basename(document.uri.path)} is like that already.`);
    }
    await this.#reviews.show(document.uri, current, proposed);
  }
}

/** A block without changes is the new text of what is selected, else of the file. */
function wholeOrSelection(
  document: vscode.TextDocument,
  selection: vscode.Selection | undefined,
  text: string,
): string {
  if (selection === undefined) {
    return text;
  }
  const before = document.getText(new vscode.Range(new vscode.Position(0, 0), selection.start));
  const end = document.lineAt(document.lineCount - 1).range.end;
  const after = document.getText(new vscode.Range(selection.end, end));
  const body = selection.end.character === 0 ? text : withoutLastLineEnd(text);
  return `${before}${body}${after}`.replace(/\r\n?/g, '\n');
}

/** Characters that nobody sees do not get into a file without a word. @returns undefined: the user does not want it */
async function decideOnHidden(part: CodePart): Promise<CodePart | undefined> {
  const all = [part.text, ...part.changes.map(({ replace }) => replace)].join('');
  const hidden = countHidden(all);
  if (hidden === 0) {
    return part;
  }
  const without = 'Without Them';
  const chosen = await vscode.window.showWarningMessage(
    'The code holds invisible characters.',
    {
      modal: true,
      detail: `${hidden} of its characters are not seen, or change the direction of the text. They can make code do something else than it seems to.`,
    },
    without,
    'As It Is',
  );
  if (chosen === without) {
    const changes = part.changes.map(({ search, replace }) => ({ search, replace: withoutHidden(replace) }));
    return { ...part, text: withoutHidden(part.text), changes };
  }
  return chosen === undefined ? undefined : part;
}

function editorOf(what: string): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (!editor || !isReadable(editor.document.uri)) {
    throw new ApplyError(`Open a file to ${what}.`);
  }
  return editor;
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}

function withoutLastLineEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
