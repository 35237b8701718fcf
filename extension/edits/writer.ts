/** The only place that changes files and documents for an answer. The target is checked at the moment of writing. */

import * as vscode from 'vscode';
import { UserError } from '../errors';
import { placeName } from '../workspace-paths';
import { refusalReason } from './target-rules';

export class Writer {
  /** @throws UserError with the reason when the target must not be written */
  async check(target: vscode.Uri): Promise<void> {
    if (target.scheme === 'untitled' && vscode.workspace.isTrusted) {
      return;
    }
    const reason =
      target.scheme === 'file'
        ? await refusalReason(target.fsPath, {
            trusted: vscode.workspace.isTrusted,
            folders: (vscode.workspace.workspaceFolders ?? [])
              .filter(({ uri }) => uri.scheme === 'file')
              .map(({ uri }) => uri.fsPath),
          })
        : vscode.workspace.isTrusted
          ? 'it is not a file'
          : 'the workspace is not trusted';
    if (reason !== undefined) {
      throw new UserError(`Nothing was written to ${placeName(target)}: ${reason}.`);
    }
  }

  /**
   * Replaces the text of a file by one edit of the lines that differ, which is undone in one step. It stays unsaved.
   * @param expected the text that the file must have now
   */
  async replaceFile(target: vscode.Uri, expected: string, text: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(target);
    await this.check(target);
    if (textOf(document) !== expected) {
      throw new UserError(`Nothing was written to ${placeName(target)}: it has changed meanwhile.`);
    }
    const edit = new vscode.WorkspaceEdit();
    edit.replace(target, ...differing(document, expected, text));
    await apply(edit, target);
  }

  /** Inserts at the cursor, or replaces the selections. */
  async replaceSelection(editor: vscode.TextEditor, text: string, insert: boolean): Promise<void> {
    await this.check(editor.document.uri);
    const done = await editor.edit((edit) => {
      for (const selection of insert ? [editor.selection] : editor.selections) {
        if (insert) {
          edit.insert(selection.active, text);
        } else {
          edit.replace(selection, text);
        }
      }
    });
    if (!done) {
      throw new UserError(`Nothing was written to ${placeName(editor.document.uri)}: the editor refused the edit.`);
    }
    await vscode.window.showTextDocument(editor.document, editor.viewColumn);
  }

  /** @throws UserError when the file exists */
  async createFile(target: vscode.Uri, text: string): Promise<void> {
    await this.check(target);
    const edit = new vscode.WorkspaceEdit();
    edit.createFile(target, { overwrite: false, ignoreIfExists: false, contents: Buffer.from(text, 'utf8') });
    await apply(edit, target);
    await vscode.window.showTextDocument(target);
  }

  async deleteFile(target: vscode.Uri): Promise<void> {
    await this.check(target);
    const edit = new vscode.WorkspaceEdit();
    edit.deleteFile(target, { recursive: false, ignoreIfNotExists: false });
    await apply(edit, target);
  }

  /** @throws UserError when a file of the new name exists */
  async renameFile(target: vscode.Uri, to: vscode.Uri): Promise<void> {
    await this.check(target);
    await this.check(to);
    const edit = new vscode.WorkspaceEdit();
    edit.renameFile(target, to, { overwrite: false, ignoreIfExists: false });
    await apply(edit, target);
  }
}

/** @returns the text with LF line ends */
export function textOf(document: vscode.TextDocument): string {
  return document.getText().replace(/\r\n?/g, '\n');
}

async function apply(edit: vscode.WorkspaceEdit, target: vscode.Uri): Promise<void> {
  if (!(await vscode.workspace.applyEdit(edit))) {
    throw new UserError(`Nothing was written to ${placeName(target)}: the editor refused the edit.`);
  }
}

/** @returns the smallest range of whole lines with all differences, so that the cursor and folds elsewhere are kept */
function differing(document: vscode.TextDocument, before: string, after: string): [vscode.Range, string] {
  const [oldLines, newLines] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < oldLines.length - 1 && start < newLines.length - 1 && oldLines[start] === newLines[start]) {
    start += 1;
  }
  let end = 0;
  while (
    end < oldLines.length - start - 1 &&
    end < newLines.length - start - 1 &&
    oldLines[oldLines.length - 1 - end] === newLines[newLines.length - 1 - end]
  ) {
    end += 1;
  }
  const last = oldLines.length - 1 - end;
  const range = new vscode.Range(start, 0, last, document.lineAt(last).text.length);
  return [range, newLines.slice(start, newLines.length - end).join('\n')];
}
