/** The folders of the workspace, each its own repository; a document belongs to the innermost folder around it. */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gate } from './discover/gate';
import { Repository, type RepositoryParts } from './workspace-folder';

export interface DocumentPlace {
  readonly repository: Repository | undefined;
  /** Absolute; undefined for a document that is no file. */
  readonly file: string | undefined;
  /** For the model: below the folder, with forward slashes; else the file's name. */
  readonly path: string;
}

export class Workspace {
  /** Every text of a document passes it before it becomes tokens. */
  readonly gate = new Gate(this);
  readonly #repositories = new Map<string, Repository>();
  readonly #parts: RepositoryParts;

  constructor(parts: RepositoryParts) {
    this.#parts = parts;
  }

  /** @returns the new repository; undefined where there is one already, or where the URI names no folder of this machine */
  addFolder(uri: string): Repository | undefined {
    const root = filePath(uri);
    if (root === undefined || this.#repositories.has(root)) {
      return undefined;
    }
    const repository = new Repository(root, this.#parts);
    this.#repositories.set(root, repository);
    return repository;
  }

  /** @returns the repository that is no longer part of the workspace */
  removeFolder(uri: string): Repository | undefined {
    const root = filePath(uri) ?? '';
    const repository = this.#repositories.get(root);
    this.#repositories.delete(root);
    return repository;
  }

  get repositories(): readonly Repository[] {
    return [...this.#repositories.values()];
  }

  place(uri: string): DocumentPlace {
    const file = filePath(uri);
    if (file === undefined) {
      return { repository: undefined, file, path: decodeURIComponentSafely(uri.split(/[\\/:]/).at(-1) ?? uri) };
    }
    let best: { readonly repository: Repository; readonly path: string } | undefined;
    for (const repository of this.#repositories.values()) {
      const relative = repository.sources.relative(file);
      if (relative !== undefined && (best === undefined || relative.length < best.path.length)) {
        best = { repository, path: relative };
      }
    }
    return { repository: best?.repository, file, path: best?.path ?? path.basename(file) };
  }
}

/** Notebook cells live in their notebook's file. */
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
