/** The folders of the workspace, and which of them a document belongs to: the innermost folder around it. */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../base/cache-folder';
import type { Log } from '../base/log';
import { Choices } from './discover/choices';
import { FileList } from './discover/file-list';
import { Gate } from './discover/gate';
import { SourceFiles } from './discover/source-files';
import type { IndexSizeLimit } from './encode/size-limit';
import { FolderIndex } from './folder-index';

/** One folder of the workspace: its files, the user's choices among them, and its index. */
export class WorkspaceFolder {
  readonly name: string;
  readonly sources: SourceFiles;
  readonly choices: Choices;
  readonly index: FolderIndex;
  readonly fileList: FileList;

  /** @param root absolute path of the folder */
  constructor(root: string, log: Log, sizeLimit: Pick<IndexSizeLimit, 'tokensFor'>) {
    this.choices = new Choices(path.resolve(root), path.join(cacheFolder(), 'repositories'));
    if (this.choices.problem !== undefined) {
      log.warn(this.choices.problem);
    }
    this.sources = new SourceFiles(root, this.choices);
    this.fileList = new FileList(this.sources);
    this.name = path.basename(this.sources.root) || 'repository';
    this.index = new FolderIndex({ sources: this.sources, log, sizeLimit });
  }
}

export interface DocumentPlace {
  readonly folder: WorkspaceFolder | undefined;
  /** Absolute; undefined for a document that is no file. */
  readonly file: string | undefined;
  /** The path for the model: below the folder, with forward slashes; without a folder, the file's name. */
  readonly path: string;
}

export class WorkspaceFolders {
  /** Every text of a document passes it before it becomes tokens. */
  readonly gate = new Gate(this);
  readonly #folders = new Map<string, WorkspaceFolder>();
  #lastUsed: WorkspaceFolder | undefined;

  get all(): readonly WorkspaceFolder[] {
    return [...this.#folders.values()];
  }

  /** The folder that a request used last, then the others. */
  get byUse(): readonly WorkspaceFolder[] {
    const last = this.#lastUsed;
    return last === undefined ? this.all : [last, ...this.all.filter((folder) => folder !== last)];
  }

  add(folder: WorkspaceFolder): void {
    this.#folders.set(folder.sources.root, folder);
  }

  /** @returns the folder that is no longer part of the workspace */
  remove(uri: string): WorkspaceFolder | undefined {
    const folder = this.at(uri);
    if (folder !== undefined) {
      this.#folders.delete(folder.sources.root);
      this.#lastUsed = this.#lastUsed === folder ? undefined : this.#lastUsed;
    }
    return folder;
  }

  /** The folder of exactly this URI. */
  at(uri: string): WorkspaceFolder | undefined {
    const file = filePath(uri);
    return file === undefined ? undefined : this.#folders.get(path.resolve(file));
  }

  /** A request reads this folder's chunks: it comes first from now on. */
  noteUse(folder: WorkspaceFolder): void {
    this.#lastUsed = folder;
  }

  place(uri: string): DocumentPlace {
    const file = filePath(uri);
    if (file === undefined) {
      return { folder: undefined, file, path: decodeURIComponentSafely(uri.split(/[\\/:]/).at(-1) ?? uri) };
    }
    let best: { readonly folder: WorkspaceFolder; readonly path: string } | undefined;
    for (const folder of this.#folders.values()) {
      const relative = folder.sources.relative(file);
      if (relative !== undefined && (best === undefined || relative.length < best.path.length)) {
        best = { folder, path: relative };
      }
    }
    return { folder: best?.folder, file, path: best?.path ?? path.basename(file) };
  }
}

/** The file of a document; notebook cells live in their notebook's file. undefined for a document that is no file. */
export function filePath(uri: string): string | undefined {
  try {
    const url = new URL(uri);
    if (url.protocol !== 'file:' && url.protocol !== 'vscode-notebook-cell:') {
      return undefined;
    }
    url.hash = '';
    return fileURLToPath(url.href.replace(/^vscode-notebook-cell:/, 'file:'));
  } catch {
    return undefined;
  }
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
