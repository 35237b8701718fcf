/**
 * Chunk files in the cache folder, by address: docs/chunk-files.md. The folder is the index. A file is written whole, renamed, and
 * verified when it is opened, so a process killed at any instant leaves the old state or the new one. Several processes may share a
 * store: an address holds the same bytes whoever wrote it, and a mapped file outlives its removal. A folder in it that is a link or
 * belongs to another user is not used: nothing is written, read or removed there.
 */

import type { Dirent } from 'node:fs';
import { lstat, readdir, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { checkPlace, makePlace } from '../../base/cache-files';

interface Entry {
  readonly bytes: number;
  /** The file's time stamp, in milliseconds. Only the order counts, so a clock that jumps evicts the wrong file at worst. */
  readonly usedAt: number;
}

/** A temporary file of this age belongs to a writer that died. */
const deadWriterMs = 10 * 60_000;
/** The minimum time between two notes of a file's use on disk. */
const minMsBetweenNotes = 60 * 60_000;
/** Eviction goes a bit below the limit, so that not every write evicts. */
const evictTo = 0.9;

export class ChunkStore {
  readonly #root: string;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #onProblem: (message: string) => void;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #known: Promise<void> | undefined;
  #evicting = false;

  /**
   * @param root of all stores, with one folder per model and layout
   * @param name of this store's folder
   * @param maxBytes over all stores of the root
   */
  constructor(root: string, name: string, maxBytes: number, onProblem: (message: string) => void) {
    this.#root = root;
    this.#folder = path.join(root, name);
    this.#maxBytes = maxBytes;
    this.#onProblem = onProblem;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** What is known about this store and its neighbours. */
  get size(): { readonly chunks: number; readonly bytes: number } {
    return { chunks: this.#entries.size, bytes: this.#bytes };
  }

  /** Where the chunk of an address is, or would be. */
  file(address: string): string {
    return path.join(this.#folder, address.slice(0, 2), `${address}.kv`);
  }

  /** Creates the folder of a file. @returns undefined if it cannot be used, which is logged */
  async prepare(address: string): Promise<string | undefined> {
    await this.#scan();
    const file = this.file(address);
    try {
      await makePlace(this.#place(path.dirname(file)));
      return file;
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  async has(address: string): Promise<boolean> {
    await this.#scan();
    const file = this.file(address);
    if (!(await this.#isOurs(path.dirname(file)))) {
      this.#drop(file);
      return false;
    }
    if (this.#entries.has(file)) {
      return true;
    }
    await this.#note(file); // another process may have written it
    return this.#entries.has(file);
  }

  /** After a file was written or opened. */
  async used(address: string): Promise<void> {
    const file = this.file(address);
    if (!(await this.#isOurs(path.dirname(file)))) {
      this.#drop(file);
      return;
    }
    const known = this.#entries.get(file);
    const now = Date.now();
    if (known !== undefined && Math.abs(now - known.usedAt) > minMsBetweenNotes) {
      await utimes(file, new Date(now), new Date(now)).catch(() => undefined);
    }
    await this.#note(file);
    await this.#evict();
  }

  /** Removes a file that cannot be used, so that its chunk is encoded again. */
  async forget(address: string): Promise<void> {
    await this.#remove(this.file(address));
  }

  /** Removes all chunks of all models. @returns the bytes freed */
  async clear(): Promise<number> {
    await this.#scan();
    let freed = 0;
    for (const [file, entry] of [...this.#entries]) {
      freed += (await this.#remove(file)) ? entry.bytes : 0;
    }
    return freed;
  }

  #scan(): Promise<void> {
    this.#known ??= this.#scanAll();
    return this.#known;
  }

  async #scanAll(): Promise<void> {
    for (const store of await this.#foldersIn(this.#root)) {
      for (const folder of await this.#foldersIn(store)) {
        for (const entry of await this.#entriesOf(folder)) {
          await this.#take(path.join(folder, entry.name), entry);
        }
      }
    }
    await this.#evict();
  }

  async #take(file: string, entry: Dirent): Promise<void> {
    if (!entry.isFile()) {
      return;
    }
    if (entry.name.endsWith('.kv')) {
      await this.#note(file);
    } else if (entry.name.endsWith('.tmp')) {
      const info = await lstat(file).catch(() => undefined);
      if (info !== undefined && Math.abs(Date.now() - info.mtimeMs) > deadWriterMs) {
        await rm(file, { force: true }).catch(() => undefined);
      }
    }
  }

  /** Links among them are not followed, and are reported when they are met. */
  async #foldersIn(folder: string): Promise<string[]> {
    const entries = await this.#entriesOf(folder);
    return entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => path.join(folder, entry.name));
  }

  async #entriesOf(folder: string): Promise<Dirent[]> {
    return (await this.#isOurs(folder)) ? readdir(folder, { withFileTypes: true }).catch(() => []) : [];
  }

  /** The root is the first folder that has to be ours; the user chose where it is. */
  #place(folder: string) {
    const base = path.dirname(this.#root);
    return { base, names: path.relative(base, folder).split(path.sep) };
  }

  async #isOurs(folder: string): Promise<boolean> {
    try {
      await checkPlace(this.#place(folder));
      return true;
    } catch (error) {
      this.#refuse(error);
      return false;
    }
  }

  #refuse(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#onProblem(`Chunks stay in memory alone: ${why}`);
  }

  async #note(file: string): Promise<void> {
    const info = await lstat(file).catch(() => undefined);
    this.#drop(file);
    if (info?.isFile() === true) {
      this.#entries.set(file, { bytes: info.size, usedAt: info.mtimeMs });
      this.#bytes += info.size;
    }
  }

  #drop(file: string): void {
    this.#bytes -= this.#entries.get(file)?.bytes ?? 0;
    this.#entries.delete(file);
  }

  async #remove(file: string): Promise<boolean> {
    if (!(await this.#isOurs(path.dirname(file)))) {
      this.#drop(file);
      return false;
    }
    try {
      await rm(file, { force: true });
    } catch (error) {
      this.#onProblem(`${file} cannot be removed: ${String(error)}`);
      return false;
    }
    this.#drop(file);
    return true;
  }

  /** Evicts the least recently used files first. */
  async #evict(): Promise<void> {
    if (this.#bytes <= this.#maxBytes || this.#evicting) {
      return;
    }
    this.#evicting = true;
    try {
      const oldest = [...this.#entries].sort(([, a], [, b]) => a.usedAt - b.usedAt);
      for (const [file] of oldest) {
        if (this.#bytes <= this.#maxBytes * evictTo) {
          break;
        }
        await this.#remove(file);
      }
    } finally {
      this.#evicting = false;
    }
  }
}
