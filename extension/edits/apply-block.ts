/** The actions of a code block's buttons. Nothing is written before a button is pressed or a change is accepted. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { type CodePart, codeParts, type FileChange } from '../../language-server/protocol/answer/answer';
import { countHidden, withoutHidden } from '../../language-server/protocol/hidden';
import { UserError } from '../errors';
import { ask, confirm } from '../notify';
import { isReadable, placeName, resolveInWorkspace } from '../workspace-paths';
import { type Fit, fitChanges } from './fit';
import type { Reviews } from './review';
import { exists, TargetFiles } from './target-files';
import { textOf, type Writer } from './writer';

type BlockAction = 'insert' | 'replace' | 'newFile' | 'diff' | 'copy';

export class BlockApplier {
  readonly #writer: Writer;
  readonly #reviews: Reviews;
  readonly #files: TargetFiles;

  constructor(writer: Writer, reviews: Reviews) {
    this.#writer = writer;
    this.#files = new TargetFiles(writer);
    this.#reviews = reviews;
  }

  /**
   * @param answer the host's own copy of the answer; @param block the index among its code blocks
   * @throws UserError when it cannot be done
   */
  async apply(answer: string, block: number, action: BlockAction): Promise<void> {
    const part = codeParts(answer)[block];
    if (part === undefined) {
      throw new UserError('The code block no longer exists.');
    }
    if (action === 'copy') {
      await vscode.env.clipboard.writeText(part.text);
      return;
    }
    if (part.unfinished && part.files.length === 0) {
      throw new UserError(
        'The change in this block is incomplete: it needs a SEARCH part, a divider, a REPLACE part and an end marker.',
      );
    }
    const decided = await decideOnHidden(part);
    if (decided === undefined) {
      return;
    }
    const { part: clean, form } = decided;
    switch (action) {
      case 'insert':
        return this.#writer.replaceSelection(editorOf('insert the code'), withoutLastLineEnd(clean.text), true);
      case 'replace':
        return this.#writer.replaceSelection(editorOf('replace the selection'), withoutLastLineEnd(clean.text), false);
      case 'newFile':
        return this.#newFile(clean);
      case 'diff':
        return clean.files.length > 0 ? this.#changeFiles(clean, form) : this.#compare(clean);
    }
  }

  async #newFile(part: CodePart): Promise<void> {
    const near = vscode.window.activeTextEditor?.document.uri;
    if (part.path === undefined || resolveInWorkspace(part.path, near) === undefined) {
      return this.#untitled(part);
    }
    await this.#files.create(part.path, part.text);
  }

  async #untitled(part: CodePart): Promise<void> {
    const languages = await vscode.languages.getLanguages();
    const language = languages.includes(part.language) ? part.language : undefined;
    const document = await vscode.workspace.openTextDocument({
      content: part.text,
      ...(language === undefined ? {} : { language }),
    });
    await vscode.window.showTextDocument(document);
  }

  /** Compares a block without changes, which is the whole new text of a file or of the selection. */
  async #compare(part: CodePart): Promise<void> {
    const active = vscode.window.activeTextEditor;
    const chosen =
      part.paths.length === 0 && active && !active.selection.isEmpty && isReadable(active.document.uri)
        ? active.document.uri
        : await this.#files.choose(part.paths, part.path);
    if (chosen === undefined) {
      return;
    }
    if (chosen === 'untitled') {
      return this.#untitled(part);
    }
    if (chosen === 'missing') {
      const path = part.path ?? '';
      if (
        await confirm(`There is no file ${path} in the workspace.`, 'You can create it with this code.', 'Create File')
      ) {
        await this.#files.create(path, part.text);
      }
      return;
    }
    await this.#writer.check(chosen);
    const isWanted =
      part.closed ||
      (await confirm(
        'The answer ends before the end of this code.',
        'Everything after that would be removed.',
        'Compare Anyway',
      ));
    if (!isWanted) {
      return;
    }
    const document = await vscode.workspace.openTextDocument(chosen);
    const selection = active?.document === document && !active.selection.isEmpty ? active.selection : undefined;
    await this.#show(document, wholeOrSelection(document, selection, part.text));
  }

  /** Handles each file on its own: a failure with one does not stop the others. */
  async #changeFiles(part: CodePart, clean: (text: string) => string): Promise<void> {
    const problems: string[] = [];
    for (const file of part.files) {
      try {
        // a path that is only a possibility is not taken for the name
        await this.#changeFile(file, file.paths === part.paths ? part.path : file.paths[0], clean);
      } catch (error) {
        if (!(error instanceof UserError)) {
          throw error;
        }
        problems.push(error.message);
      }
    }
    if (part.unfinished) {
      problems.push('The answer ends in the middle of a change, which is left out.');
    }
    if (problems.length > 0) {
      throw new UserError(problems.join(' '));
    }
  }

  async #changeFile(file: FileChange, path: string | undefined, clean: (text: string) => string): Promise<void> {
    const text = clean(file.changes.map(({ replace }) => replace).join(''));
    const isWhole = file.changes.every(({ search }) => search.trim() === '');
    if (file.kind === 'new') {
      return this.#newOrCompared(path ?? '', text);
    }
    const target = await this.#files.choose(file.paths, path);
    if (target === undefined) {
      return;
    }
    if (target === 'untitled') {
      throw new UserError('Changes apply to an existing file: open it first, then choose it.');
    }
    if (target === 'missing') {
      if (!isWhole || file.kind !== 'change') {
        throw new UserError(`There is no file ${path} in the workspace, so its changes cannot be applied.`);
      }
      return this.#files.create(path ?? '', text);
    }
    await this.#writer.check(target);
    const document = await vscode.workspace.openTextDocument(target);
    const fit = fitChanges(textOf(document), file.changes, clean);
    if (file.kind === 'removed') {
      return this.#files.remove(target, fit.failures.length === 0 && fit.text.trim() === '');
    }
    const proposed = await decideOnFit(fit, placeName(target));
    if (file.kind !== 'renamed') {
      return proposed === undefined ? undefined : this.#show(document, proposed);
    }
    const renamed = await this.#files.rename(target, file.to ?? '');
    if (renamed !== undefined && proposed !== undefined && file.changes.length > 0) {
      await this.#show(await vscode.workspace.openTextDocument(renamed), proposed);
    }
  }

  /** Creates a file at exactly the path of the answer, even if others have similar paths; compares it if it exists. */
  async #newOrCompared(path: string, text: string): Promise<void> {
    const target = resolveInWorkspace(path, vscode.window.activeTextEditor?.document.uri);
    if (target === undefined || !(await exists(target))) {
      return this.#files.create(path, text);
    }
    await this.#writer.check(target);
    await this.#show(await vscode.workspace.openTextDocument(target), text);
  }

  async #show(document: vscode.TextDocument, proposed: string): Promise<void> {
    const current = textOf(document);
    if (proposed === current) {
      throw new UserError(`${path.posix.basename(document.uri.path)} already contains this code.`);
    }
    await this.#reviews.show(document.uri, current, proposed);
  }
}

/** @returns the text with the changes that fit; undefined when the user declines */
async function decideOnFit({ text, failures, count }: Fit, name: string): Promise<string | undefined> {
  if (failures.length === 0) {
    return text;
  }
  const fitting = count - failures.length;
  if (fitting <= 0) {
    throw new UserError(`${name} was not changed. ${failures.join(' ')}`);
  }
  const question = `${fitting} of ${count} changes to ${name} can be applied.`;
  return (await confirm(question, failures.join('\n'), 'Review Them')) ? text : undefined;
}

/** @returns the new text of the file: the block replaces the selection if there is one, else everything */
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

/** Asks the user before invisible characters get into a file. @returns undefined when the user declines */
async function decideOnHidden(
  part: CodePart,
): Promise<{ readonly part: CodePart; readonly form: (text: string) => string } | undefined> {
  const all = [part.text, ...part.changes.map(({ replace }) => replace)].join('');
  const hidden = countHidden(all);
  const keep = () => ({ part, form: (text: string) => text });
  // the lines of a SEARCH part are compared as they are
  const remove = () => ({ part: { ...part, text: withoutHidden(part.text) }, form: withoutHidden });
  return hidden === 0
    ? keep()
    : ask(
        'The code contains invisible characters.',
        `${hidden} of its characters are invisible or change the direction of the text. They can make code behave differently from how it looks.`,
        { title: 'Remove Them', run: remove },
        { title: 'Keep Them', run: keep },
      );
}

function editorOf(what: string): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (!editor || !isReadable(editor.document.uri)) {
    throw new UserError(`Open a file to ${what}.`);
  }
  return editor;
}

function withoutLastLineEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
