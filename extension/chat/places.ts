/** Places of the workspace in words, and back. */

import * as path from 'node:path';
import * as vscode from 'vscode';

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

/** A path as an answer names it: in the folder of the current file first, then in the others; undefined: not below any. */
export function resolveInWorkspace(named: string, near: vscode.Uri | undefined): vscode.Uri | undefined {
  const own = near && vscode.workspace.getWorkspaceFolder(near);
  const all = vscode.workspace.workspaceFolders ?? [];
  const folders = own ? [own, ...all.filter((folder) => folder !== own)] : all;
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
