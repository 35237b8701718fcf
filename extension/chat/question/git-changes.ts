/** What changed since the last commit, by the editor's own git extension: of its API only what is used here. */

import * as path from 'node:path';
import * as vscode from 'vscode';

interface GitChange {
  readonly uri: vscode.Uri;
  /** Another one where the file was renamed. */
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
  /** Its place: two may have one name. */
  readonly key: string;
  /** A unified diff for each file that has changed; what is over the limit is one text that says so. */
  read(): Promise<readonly ChangedFile[]>;
}

export interface ChangedFile {
  /** Under which it is and was known; none where it stands for several. */
  readonly uris: readonly vscode.Uri[];
  readonly diff: string;
}

const maxFiles = 100;

/** None where the git extension is off or there is no repository. */
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
