/** Names for places in the workspace, and the places for such names. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { UserError } from './errors';
import { findNamed } from './find-file';

/** @returns the path below its folder, after the folder's name where there are several; outside all folders, the file name */
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

/** Whether the model may read it: files on disk and unsaved texts. */
export function isReadable(uri: vscode.Uri): boolean {
  return uri.scheme === 'file' || uri.scheme === 'untitled';
}

/** In an untrusted workspace, files that are not open must not be opened. */
export function mayOpen(uri: vscode.Uri): boolean {
  const key = uri.toString();
  return vscode.workspace.isTrusted || vscode.workspace.textDocuments.some((one) => one.uri.toString() === key);
}

/** @throws UserError when it must not be opened */
export async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument> {
  if (!mayOpen(uri)) {
    throw new UserError('its file is not open, and the workspace is not trusted');
  }
  return vscode.workspace.openTextDocument(uri);
}

/** Resolves a path of an answer in the folder of the current file, then in the others. @returns undefined outside of all */
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

/** @returns the files that an answer may mean by these paths: several when the ends of several match */
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
      // characters with a meaning in a glob are replaced by wildcards
      const pattern = `**/${name.replace(/[^\w.@+-]+/gu, '*')}`;
      return (await vscode.workspace.findFiles(pattern, undefined, maxFound)).map(({ path: file }) => file);
    },
  });
  return found.map(uriOf);
}

/** The maximum number of files of one name that are compared. */
const maxFound = 200;

function foldersNear(near: vscode.Uri | undefined): readonly vscode.WorkspaceFolder[] {
  const own = near && vscode.workspace.getWorkspaceFolder(near);
  const all = vscode.workspace.workspaceFolders ?? [];
  return own ? [own, ...all.filter((folder) => folder !== own)] : all;
}
