/** Places of the workspace in words, and back. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { UserError } from './errors';
import { findNamed } from './find-file';

/** Below its folder, behind the folder's name where there are several; a file's name outside of all. */
export function placeName(uri: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (!folder) {
    return path.posix.basename(uri.path) || uri.toString(true);
  }
  return vscode.workspace.asRelativePath(uri, (vscode.workspace.workspaceFolders?.length ?? 0) > 1);
}

export function rangeName(uri: vscode.Uri, range: vscode.Range): string {
  const last = range.end.character === 0 && range.end.line > range.start.line ? range.end.line : range.end.line + 1;
  const first = range.start.line + 1;
  return `${placeName(uri)}:${first === last ? first : `${first}-${last}`}`;
}

/** Files that the model may be given: real ones, and texts that were not saved yet. */
export function isReadable(uri: vscode.Uri): boolean {
  return uri.scheme === 'file' || uri.scheme === 'untitled';
}

/** In a workspace that is not trusted, what is not open stays closed. */
export function mayOpen(uri: vscode.Uri): boolean {
  const key = uri.toString();
  return vscode.workspace.isTrusted || vscode.workspace.textDocuments.some((one) => one.uri.toString() === key);
}

/** @throws UserError where it may not be opened */
export async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument> {
  if (!mayOpen(uri)) {
    throw new UserError('its file is not open, and the workspace is not trusted');
  }
  return vscode.workspace.openTextDocument(uri);
}

/** A path as an answer names it: in the folder of the current file first, then in the others; undefined: not below any. */
export function resolveInWorkspace(named: string, near: vscode.Uri | undefined): vscode.Uri | undefined {
  const folders = foldersNear(near);
  const clean = named.replaceAll('\\', '/').replace(/^\.\//, '');
  if (clean.startsWith('/') || /^[A-Za-z]:/.test(clean) || clean.split('/').includes('..')) {
    const absolute = folders.find(
      (folder) => clean.startsWith(`${folder.uri.path}/`) && !clean.split('/').includes('..'),
    );
    return absolute?.uri.with({ path: clean });
  }
  const byName = folders.find((folder) => folders.length > 1 && clean.startsWith(`${folder.name}/`));
  if (byName) {
    return vscode.Uri.joinPath(byName.uri, clean.slice(byName.name.length + 1));
  }
  return folders[0] && vscode.Uri.joinPath(folders[0].uri, clean);
}

/** Files of the workspace that an answer may mean by these paths; several where the paths' ends fit several. */
export async function findInWorkspace(
  named: readonly string[],
  near: vscode.Uri | undefined,
): Promise<readonly vscode.Uri[]> {
  const folders = foldersNear(near);
  const [first] = folders;
  if (first === undefined) {
    return [];
  }
  const uriOf = (file: string) =>
    (folders.find(({ uri }) => file.startsWith(`${uri.path}/`)) ?? first).uri.with({ path: file });
  const found = await findNamed(named, {
    folders: folders.map(({ name, uri }) => ({ name, path: uri.path.replace(/\/$/, '') })),
    isFile: async (file) => {
      try {
        return ((await vscode.workspace.fs.stat(uriOf(file))).type & vscode.FileType.File) !== 0;
      } catch {
        return false;
      }
    },
    withName: async (name) => {
      // what means something in a pattern stands for itself as any characters
      const pattern = `**/${name.replace(/[^\w.@+-]+/gu, '*')}`;
      return (await vscode.workspace.findFiles(pattern, undefined, maxFound)).map(({ path: file }) => file);
    },
  });
  return found.map(uriOf);
}

/** So many files of one name are looked at. */
const maxFound = 200;

function foldersNear(near: vscode.Uri | undefined): readonly vscode.WorkspaceFolder[] {
  const own = near && vscode.workspace.getWorkspaceFolder(near);
  const all = vscode.workspace.workspaceFolders ?? [];
  return own ? [own, ...all.filter((folder) => folder !== own)] : all;
}
