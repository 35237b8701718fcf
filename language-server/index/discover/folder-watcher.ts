/** Watches the folders of a repository, for clients that do not report changed files themselves. */

import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import type { Log } from '../../base/log';

/** Each watched folder takes a handle of the system; a repository with more folders is walked from time to time. */
const maxFolders = 4096;

class FolderWatcher {
  readonly #root: string;
  readonly #onChange: (relative: readonly string[]) => void;
  readonly #watchers = new Map<string, FSWatcher>();

  /** @param onChange gets paths below the root */
  constructor(root: string, onChange: (relative: readonly string[]) => void) {
    this.#root = root;
    this.#onChange = onChange;
  }

  /** Watches these folders and no others. @returns false: there are more folders than can be watched */
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

/** A workspace with more folders than can be watched is walked again so often. */
const walkAgainMs = 60_000;

/** A folder of the workspace, as far as watching goes. */
interface WatchedFolder {
  readonly sources: { readonly root: string };
  readonly index: {
    /** Relative paths of the folders that were walked. */
    readonly folders: readonly string[];
    noteChanges(relative: readonly string[]): void;
    walkAgain(): void;
  };
}

/** Watches all folders of the workspace, as their indexes walk them. */
export class WorkspaceWatcher {
  readonly #folders: { readonly all: readonly WatchedFolder[] };
  readonly #log: Log;
  readonly #watchers = new Map<WatchedFolder, FolderWatcher>();
  #isOn = false;
  #walking: NodeJS.Timeout | undefined;

  constructor(folders: { readonly all: readonly WatchedFolder[] }, log: Log) {
    this.#folders = folders;
    this.#log = log;
  }

  start(): void {
    this.#isOn = true;
    this.follow();
  }

  /** Watches the folders that there are now. Does nothing before {@link start}. */
  follow(): void {
    if (!this.#isOn) {
      return;
    }
    let all = true;
    for (const folder of this.#folders.all) {
      const { index, sources } = folder;
      const watcher =
        this.#watchers.get(folder) ?? new FolderWatcher(sources.root, (relative) => index.noteChanges(relative));
      this.#watchers.set(folder, watcher);
      all = watcher.follow(index.folders) && all;
    }
    if (!all && this.#walking === undefined) {
      this.#log.warn('Not all folders can be watched: the workspace is read again every minute.');
      this.#walking = setInterval(() => {
        for (const { index } of this.#folders.all) {
          index.walkAgain();
        }
      }, walkAgainMs);
      this.#walking.unref();
    }
  }

  /** The folder is no longer part of the workspace. */
  forget(folder: WatchedFolder): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  close(): void {
    clearInterval(this.#walking);
    for (const watcher of this.#watchers.values()) {
      watcher.close();
    }
    this.#watchers.clear();
  }
}
