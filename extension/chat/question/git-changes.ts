/** Reads what changed since the last commit from the editor's git extension. Its API is declared as far as it is used. */

import * as path from 'node:path';
import * as vscode from 'vscode';

interface GitChange {
  readonly uri: vscode.Uri;
  /** The former URI if the file was renamed. */
  readonly originalUri?: vscode.Uri;
}

interface GitRepository {
  readonly rootUri: vscode.Uri;
  diffWithHEAD(): Promise<readonly GitChange[]>;
  diffWithHEAD(path: string): Promise<string>;
}

interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): { readonly repositories: readonly GitRepository[] };
}

interface RepositoryChanges {
  readonly name: string;
  /** The URI of its folder, as two repositories may have the same name. */
  readonly key: string;
  /** @returns a unified diff for each changed file; over the limit, one text that says how many more there are */
  read(): Promise<readonly ChangedFile[]>;
}

export interface ChangedFile {
  /** The file's URI, and its former one if it was renamed; empty for an entry about several files. */
  readonly uris: readonly vscode.Uri[];
  readonly diff: string;
}

const maxFiles = 100;

/** @returns an empty array when the git extension is disabled or there is no repository */
export async function gitChanges(): Promise<RepositoryChanges[]> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  const git = extension && (await extension.activate());
  if (!git?.enabled) {
    return [];
  }
  return git.getAPI(1).repositories.map((repository) => ({
    name: path.basename(repository.rootUri.fsPath),
    key: repository.rootUri.toString(),
    read: async () => {
      const changed = await repository.diffWithHEAD();
      const files: ChangedFile[] = [];
      for (const { uri, originalUri = uri } of changed.slice(0, maxFiles)) {
        const uris = originalUri.toString() === uri.toString() ? [uri] : [uri, originalUri];
        files.push({ uris, diff: await repository.diffWithHEAD(uri.fsPath) });
      }
      if (changed.length > maxFiles) {
        files.push({ uris: [], diff: `${changed.length - maxFiles} more files have changed.` });
      }
      return files;
    },
  }));
}
