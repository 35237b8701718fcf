/**
 * Folders and small files of the cache. The user chooses where the cache is, and may do so with a link. Below it, a link or another
 * user's folder would make us write, read or delete elsewhere, so it is refused. Only regular files are read, because reading a
 * pipe or a device in their place might never end.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from './errors';

/** A folder of the cache: the folder that the user chose, and the names of the folders that lead from there. */
interface CachePlace {
  /** This one is followed wherever it leads. */
  readonly base: string;
  readonly names: readonly string[];
}

/** For a folder directly below the one that the user chose. */
export function placeOf(folder: string): CachePlace {
  return { base: path.dirname(folder), names: [path.basename(folder)] };
}

function folderOf({ base, names }: CachePlace): string {
  return path.join(base, ...names);
}

/**
 * Checks every folder on the way that exists.
 * @throws EngineError CACHE_REFUSED naming the first that is not ours
 */
export async function checkPlace({ base, names }: CachePlace): Promise<void> {
  const owner = (await stat(base).catch(() => undefined))?.uid;
  for (const folder of onTheWay(base, names)) {
    refuseForeign(folder, await lstat(folder).catch(() => undefined), owner);
  }
}

/** The same, for callers that cannot wait. @throws EngineError CACHE_REFUSED */
export function checkPlaceNow({ base, names }: CachePlace): void {
  const owner = statSync(base, { throwIfNoEntry: false })?.uid;
  for (const folder of onTheWay(base, names)) {
    refuseForeign(folder, lstatSync(folder, { throwIfNoEntry: false }), owner);
  }
}

function onTheWay(base: string, names: readonly string[]): string[] {
  return names.map((_, index) => path.join(base, ...names.slice(0, index + 1)));
}

/** Creates the missing folders, readable by the user only. @throws EngineError CACHE_REFUSED; the file system's errors */
export async function makePlace(place: CachePlace): Promise<string> {
  await checkPlace(place);
  const folder = folderOf(place);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // another process may have been faster
  await checkPlace(place);
  return folder;
}

/** Folders of the cache's owner are ours, too: on some file systems everything belongs to one other user, even what we create. */
function refuseForeign(folder: string, stats: Stats | undefined, ownerOfBase: number | undefined): void {
  const what = stats === undefined ? undefined : foreign(stats, ownerOfBase);
  if (what !== undefined) {
    throw new EngineError('CACHE_REFUSED', `${folder} is ${what}, so it is not used as a folder of the cache.`);
  }
}

function foreign(stats: Stats, ownerOfBase: number | undefined): string | undefined {
  if (stats.isSymbolicLink()) {
    return 'a symbolic link';
  }
  if (!stats.isDirectory()) {
    return 'no folder';
  }
  // Windows has no user ids
  const user = process.getuid?.();
  const isOurs = user === undefined || stats.uid === user || stats.uid === ownerOfBase;
  return isOurs ? undefined : 'a folder of another user';
}

/** Windows has none of these flags; there, only the kind of the file is checked. */
const openFlags =
  constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Reads a small file of ours; undefined if it does not exist, is a link or not a regular file, is larger, or cannot be read. */
export function readOwnText(file: string, maxBytes: number): string | undefined {
  try {
    // opening a device can have side effects, so it is not even opened
    if (!lstatSync(file).isFile()) {
      return undefined;
    }
    const handle = openSync(file, openFlags);
    try {
      const stats = fstatSync(handle);
      if (!stats.isFile() || stats.size > maxBytes) {
        return undefined;
      }
      const bytes = Buffer.alloc(stats.size);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = readSync(handle, bytes, length, bytes.length - length, length);
      }
      return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/**
 * The one way in which the server writes a small file: whole or not at all, and durable once the promise settles. A new temporary
 * file in the same folder is flushed and renamed, then the folder is flushed. No link is followed: a link in the file's place is
 * replaced. docs/decisions/0009 says why this is no library.
 * @throws the file system's errors, after which the file is as it was before
 */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(path.dirname(file));
}

/** Makes the rename survive a power cut. Not every system can do this; the new file is whole in any case. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows cannot open folders
  }
}
