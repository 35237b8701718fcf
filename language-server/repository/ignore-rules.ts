/** The .gitignore rules of a folder: every .gitignore from the folder down to a file counts, as git has them. */

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';

interface Cached {
  readonly mtimeMs: number;
  readonly size: number;
  readonly rules: Ignore;
}

/** Version control and installed packages are never the user's own sources. */
const always: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.venv']);

export class IgnoreRules {
  readonly #root: string;
  readonly #files = new Map<string, Cached | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @param relative path below the root, forward slashes */
  async ignores(relative: string, isFolder: boolean): Promise<boolean> {
    const parts = relative.split('/');
    // a folder that is ignored hides all that is in it, whatever deeper rules say
    for (let depth = 1; depth <= parts.length; depth++) {
      const last = depth === parts.length;
      if (await this.ignoresEntry(parts.slice(0, depth), last ? isFolder : true)) {
        return true;
      }
    }
    return false;
  }

  /** For an entry whose folder is not ignored: the deepest .gitignore that says something about it decides. */
  async ignoresEntry(parts: readonly string[], isFolder: boolean): Promise<boolean> {
    if (always.has(parts.at(-1) ?? '')) {
      return true;
    }
    for (let depth = parts.length - 1; depth >= 0; depth--) {
      const rules = await this.#load(path.join(this.#root, ...parts.slice(0, depth)));
      const result = rules?.test(parts.slice(depth).join('/') + (isFolder ? '/' : ''));
      if (result?.ignored === true) {
        return true;
      }
      if (result?.unignored === true) {
        return false;
      }
    }
    return false;
  }

  async #load(folder: string): Promise<Ignore | undefined> {
    const file = path.join(folder, '.gitignore');
    try {
      const { mtimeMs, size } = await stat(file);
      const cached = this.#files.get(file);
      if (cached?.mtimeMs === mtimeMs && cached.size === size) {
        return cached.rules;
      }
      const rules = ignore().add(await readFile(file, 'utf8'));
      this.#files.set(file, { mtimeMs, size, rules });
      return rules;
    } catch {
      return undefined;
    }
  }
}
