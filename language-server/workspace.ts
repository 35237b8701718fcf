/** The folders of the workspace, each its own repository; a document belongs to the innermost folder around it. */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RepositoryStatus } from './protocol';
import { Repository } from './repository/repository';

export interface DocumentPlace {
  readonly repository: Repository | undefined;
  /** Absolute; undefined for a document that is no file. */
  readonly file: string | undefined;
  /** For the model: below the folder, with forward slashes; else the file's name. */
  readonly path: string;
}

export class Workspace {
  readonly #repositories = new Map<string, Repository>();
  #lastUsed: Repository | undefined;

  addFolder(uri: string): void {
    const root = filePath(uri);
    if (root !== undefined && !this.#repositories.has(root)) {
      this.#repositories.set(root, new Repository(root));
    }
  }

  removeFolder(uri: string): void {
    const root = filePath(uri);
    if (root === undefined) {
      return;
    }
    if (this.#repositories.get(root) === this.#lastUsed) {
      this.#lastUsed = undefined;
    }
    this.#repositories.delete(root);
  }

  get repositories(): readonly Repository[] {
    return [...this.#repositories.values()];
  }

  /** Of the repository that was in the context last. */
  get status(): RepositoryStatus | undefined {
    return this.#lastUsed?.status;
  }

  use(repository: Repository): void {
    this.#lastUsed = repository;
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
