/** Finds the file that a block is for, asking the user when the answer does not name it; creates, deletes and renames files. */

import * as vscode from 'vscode';
import { UserError } from '../errors';
import { confirm } from '../notify';
import { findInWorkspace, isReadable, placeName, resolveInWorkspace } from '../workspace-paths';
import type { Writer } from './writer';

export class TargetFiles {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /**
   * Finds the file of a block. The open file is never taken by default: if the answer names no file, the user chooses one.
   * @param paths all paths that the answer may mean; @param path the one that it names
   * @returns 'missing' when the named file does not exist, 'untitled' when the user wants a new one, undefined when the user
   * chose none
   * @throws UserError when it is outside of the workspace
   */
  async choose(
    paths: readonly string[],
    path: string | undefined,
  ): Promise<vscode.Uri | 'missing' | 'untitled' | undefined> {
    const near = vscode.window.activeTextEditor?.document.uri;
    const found = await findInWorkspace(paths, near);
    const [first, second] = found;
    if (first !== undefined && second === undefined) {
      return first;
    }
    if (first !== undefined) {
      return pick(found, `${path ?? paths[0]} matches ${found.length} files of the workspace`);
    }
    if (path === undefined) {
      return pick(openFiles(), 'The answer does not say which file this is for', 'untitled');
    }
    const target = resolveInWorkspace(path, near);
    if (target === undefined) {
      throw new UserError(`${path} is outside of the workspace.`);
    }
    await this.#writer.check(target);
    return 'missing';
  }

  /** Asks for the path and creates the file. @throws UserError when it must not be written, or exists */
  async create(path: string, text: string): Promise<void> {
    const near = vscode.window.activeTextEditor?.document.uri;
    const named = await vscode.window.showInputBox({
      title: 'New file',
      prompt: 'Path of the file, below the folder of the workspace',
      value: path,
      ignoreFocusOut: true,
    });
    const target = named === undefined ? undefined : resolveInWorkspace(named.trim(), near);
    if (named !== undefined && (target === undefined || named.trim() === '')) {
      throw new UserError(`Nothing was written to ${named}: it is outside of the workspace.`);
    }
    if (target === undefined) {
      return;
    }
    await this.#writer.check(target);
    if (await exists(target)) {
      throw new UserError(`${placeName(target)} already exists. Use the diff to change it.`);
    }
    await this.#writer.createFile(target, text);
  }

  /** Deletes a file after a question. @param isSame whether its contents are what the answer shows */
  async remove(target: vscode.Uri, isSame: boolean): Promise<void> {
    const name = placeName(target);
    const detail = isSame
      ? 'The answer deletes this file.'
      : 'The answer deletes this file, but the file has other contents than the answer shows.';
    if (await confirm(`Delete ${name}?`, detail, 'Delete File')) {
      await this.#writer.deleteFile(target);
    }
  }

  /** Renames a file after a question. @returns the new URI; undefined when the user declines */
  async rename(target: vscode.Uri, to: string): Promise<vscode.Uri | undefined> {
    const renamed = resolveInWorkspace(to, target);
    if (renamed === undefined) {
      throw new UserError(`${to} is outside of the workspace.`);
    }
    await this.#writer.check(renamed);
    if (await exists(renamed)) {
      throw new UserError(`${placeName(target)} was not renamed: ${placeName(renamed)} already exists.`);
    }
    const question = `Rename ${placeName(target)} to ${placeName(renamed)}?`;
    if (!(await confirm(question, 'The answer renames this file.', 'Rename File'))) {
      return undefined;
    }
    await this.#writer.renameFile(target, renamed);
    return renamed;
  }
}

async function pick<Other extends string = never>(
  files: readonly vscode.Uri[],
  title: string,
  other?: Other,
): Promise<vscode.Uri | Other | undefined> {
  const items: { label: string; choice: vscode.Uri | Other }[] = files.map((uri) => ({
    label: placeName(uri),
    choice: uri,
  }));
  if (other !== undefined) {
    items.push({ label: 'New File', choice: other });
  }
  return (await vscode.window.showQuickPick(items, { title, ignoreFocusOut: true }))?.choice;
}

/** @returns the open files, the current one first */
function openFiles(): vscode.Uri[] {
  const active = vscode.window.activeTextEditor?.document.uri;
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []));
  const all = [...(active === undefined ? [] : [active]), ...tabs].filter(isReadable);
  return [...new Map(all.map((uri) => [uri.toString(), uri])).values()];
}

export async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
