/** What changed since the last commit, by the editor's own git extension: of its API only what is used here. */

import * as path from 'node:path';
import * as vscode from 'vscode';

interface GitRepository {
  readonly rootUri: vscode.Uri;
  diffWithHEAD(): Promise<readonly { readonly uri: vscode.Uri }[]>;
  diffWithHEAD(path: string): Promise<string>;
}

interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): { readonly repositories: readonly GitRepository[] };
}

export interface RepositoryChanges {
  readonly name: string;
  /** Its place: two may have one name. */
  readonly key: string;
  /** A unified diff; '' when nothing changed. */
  read(): Promise<string>;
}

const mostFiles = 100;

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
      const diffs: string[] = [];
      for (const { uri } of changed.slice(0, mostFiles)) {
        diffs.push(await repository.diffWithHEAD(uri.fsPath));
      }
      if (changed.length > mostFiles) {
        diffs.push(`(and ${changed.length - mostFiles} more files)`);
      }
      return diffs.join('\n');
    },
  }));
}
