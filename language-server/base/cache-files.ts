/**
 * Folders and small files of the cache. Where the cache itself is, is the user's choice, by a link as well. Below it, a link
 * or a folder of another user would have us write, read or delete elsewhere, so it is refused; and a file is read only where
 * it is a regular one, for a pipe or a device in its place would never end.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from './errors';

/** A folder of the cache: what the user chose, and the names of the folders in it on the way. */
interface CachePlace {
  /** Followed, wherever it leads. */
  readonly base: string;
  readonly names: readonly string[];
}

/** Of a folder right below what the user chose. */
export function placeOf(folder: string): CachePlace {
  return { base: path.dirname(folder), names: [path.basename(folder)] };
}

function folderOf({ base, names }: CachePlace): string {
  return path.join(base, ...names);
}

/**
 * Looks at every folder on the way that is there.
 * @throws EngineError CACHE_REFUSED naming the first that is not ours
 */
export async function checkPlace({ base, names }: CachePlace): Promise<void> {
  const owner = (await stat(base).catch(() => undefined))?.uid;
  for (const folder of onTheWay(base, names)) {
    refuseForeign(folder, await lstat(folder).catch(() => undefined), owner);
  }
}

/** The same, for where nothing can be waited for. @throws EngineError CACHE_REFUSED */
export function checkPlaceNow({ base, names }: CachePlace): void {
  const owner = statSync(base, { throwIfNoEntry: false })?.uid;
  for (const folder of onTheWay(base, names)) {
    refuseForeign(folder, lstatSync(folder, { throwIfNoEntry: false }), owner);
  }
}

function onTheWay(base: string, names: readonly string[]): string[] {
  return names.map((_, index) => path.join(base, ...names.slice(0, index + 1)));
}

/** Makes the folders that are missing, for the user alone. @throws EngineError CACHE_REFUSED; the file system's errors */
export async function makePlace(place: CachePlace): Promise<string> {
  await checkPlace(place);
  const folder = folderOf(place);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // somebody may have been faster
  await checkPlace(place);
  return folder;
}

/** Who owns the cache owns what is in it: on some file systems all is somebody else's, also what we make. */
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
  // Windows has no such numbers
  const user = process.getuid?.();
  const isOurs = user === undefined || stats.uid === user || stats.uid === ownerOfBase;
  return isOurs ? undefined : 'a folder of another user';
}

/** Windows has none of these: there, what is a file is looked at alone. */
const openFlags =
  constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** A small file of ours; undefined for one that is not there, a link, no regular file, larger, or not to be read. */
export function readOwnText(file: string, maxBytes: number): string | undefined {
  try {
    // opening a device can have an effect of its own, so it is not even opened
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
 * The one way in which the server writes a small file: whole or not at all, and lasting once it settles. A new temporary file
 * in the same folder is flushed and renamed, then the folder is flushed. No link is followed: one in the file's place is
 * replaced. docs/decisions/0009 says why no library does it.
 * @throws the file system's errors; the file is as it was then
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

/** So that the rename outlives a power cut. Not every system can: the new file is whole without it, too. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows opens no folders
  }
}
