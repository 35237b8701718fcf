/** Watches the folders of a repository for clients that do not tell of changes themselves. */

import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';

/** Each takes a handle of the system; a repository with more folders is walked from time to time. */
const maxFolders = 4096;

export class FolderWatcher {
  readonly #root: string;
  readonly #onChange: (relative: readonly string[]) => void;
  readonly #watchers = new Map<string, FSWatcher>();

  /** @param onChange gets paths below the root */
  constructor(root: string, onChange: (relative: readonly string[]) => void) {
    this.#root = root;
    this.#onChange = onChange;
  }

  /** False: there are more folders than can be watched. */
  follow(folders: readonly string[]): boolean {
    const wanted = new Set(folders.slice(0, maxFolders));
    for (const [folder, watcher] of this.#watchers) {
      if (!wanted.has(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    }
    let all = folders.length <= maxFolders;
    for (const folder of wanted) {
      all = (this.#watchers.has(folder) || this.#watch(folder)) && all;
    }
    return all;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) {
      watcher.close();
    }
    this.#watchers.clear();
  }

  #watch(folder: string): boolean {
    try {
      const watcher = watch(path.join(this.#root, folder), { persistent: false }, (_event, name) => {
        this.#onChange([name === null ? folder : folder === '' ? name : `${folder}/${name}`]);
      });
      watcher.on('error', () => {
        // the folder went away, or the system has no handles left
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
      return true;
    } catch {
      return false;
    }
  }
}
