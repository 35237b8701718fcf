/** What every way of getting a model into our folder shares: one at a time on this machine, and room on the disk first. */

import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { makePlace, placeOf } from '../../base/cache-files';
import { EngineError } from '../../base/errors';
import { acquireLock, isLocked, type Lock } from '../../base/lock';
import { formatBytes } from '../../protocol/format';

/**
 * Makes the folder where it is missing.
 * @throws EngineError BUSY while another process fetches a model, CACHE_REFUSED; the file system's errors
 */
export async function lockModelsFolder(folder: string): Promise<Lock> {
  await makePlace(placeOf(folder));
  try {
    return await acquireLock(lockOf(folder));
  } catch (error) {
    if (error instanceof EngineError && error.code === 'BUSY') {
      const by = /\((\d+)\)/.exec(error.message)?.[1];
      throw new EngineError('BUSY', `Another process${by === undefined ? '' : ` (${by})`} is downloading a model.`, {
        cause: error,
        remedy: 'Wait until it is done, or stop it there; then try again.',
      });
    }
    throw error;
  }
}

/** Whether a process of this machine, which may be this one, is downloading a model. */
export function isDownloading(folder: string): Promise<boolean> {
  return isLocked(lockOf(folder));
}

function lockOf(folder: string): string {
  return path.join(folder, 'download.lock');
}

/** Bytes that this user may still write there. */
export type FreeSpace = (folder: string) => Promise<number>;

export const freeSpace: FreeSpace = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

/** @throws EngineError DISK_FULL */
export async function requireSpace(
  folder: string,
  needed: number,
  what: string,
  space: FreeSpace = freeSpace,
): Promise<void> {
  const free = await space(folder);
  if (free < needed) {
    throw new EngineError(
      'DISK_FULL',
      `${what} needs ${formatBytes(needed)} in ${folder}, and ${formatBytes(free)} are free.`,
    );
  }
}
