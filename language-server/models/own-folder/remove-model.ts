/** Takes a model out of our folder, with all that was kept of it. What other programs have is theirs. */

import { readdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { modelsFolder } from '../../base/cache-folder';
import { EngineError } from '../../base/errors';
import { joinedName, joinRecord } from '../hub/joined';
import { dropPart } from '../hub/partial-file';
import { recordFile } from '../verified';
import { lockModelsFolder } from './lock-and-space';

/**
 * A process that has it loaded goes on with it where the system allows that; elsewhere it is refused.
 * @param file a GGUF file, whole or only begun; of a split model any part stands for all
 * @returns the files that were removed
 * @throws EngineError USAGE for a file that is not ours or not there, BUSY, FILE_UNREADABLE
 */
export async function removeModel(file: string, folder = modelsFolder()): Promise<string[]> {
  const absolute = path.resolve(file);
  await requireOwn(absolute, folder);
  const lock = await lockModelsFolder(folder);
  try {
    const there = await partsOf(absolute);
    if (there.length === 0) {
      throw new EngineError('USAGE', `${absolute} is not there.`, { remedy: 'See "fasa-code models list".' });
    }
    for (const part of there) {
      await remove(part);
    }
    return there;
  } finally {
    await lock.release();
  }
}

async function requireOwn(file: string, folder: string): Promise<void> {
  const [parent, own] = await Promise.all([realpath(path.dirname(file)), realpath(folder)]).catch(() => ['', '']);
  const isOwn = own !== '' && (parent === own || parent?.startsWith(`${own}${path.sep}`) === true);
  if (!isOwn || !/\.gguf$/i.test(file)) {
    throw new EngineError('USAGE', `${file} is no model of the folder ${folder}, so it is not removed.`, {
      remedy: 'Remove it with the program that fetched it.',
    });
  }
}

/** Whole or only begun: the file, and of a split model all of its parts. */
async function partsOf(file: string): Promise<string[]> {
  const folder = path.dirname(file);
  const names = (await readdir(folder).catch(() => [])).map((name) => name.replace(/\.part$/, ''));
  const own = names.filter((name) => /\.gguf$/i.test(name) && joinedName(name) === joinedName(path.basename(file)));
  return [...new Set(own)].toSorted().map((name) => path.join(folder, name));
}

async function remove(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (error) {
    throw new EngineError('FILE_UNREADABLE', `${file} cannot be removed; it may be in use.`, {
      cause: error,
      remedy: 'Choose another model in every window first, then try again.',
    });
  }
  await dropPart(file);
  await rm(recordFile(file), { force: true });
  await rm(joinRecord(file), { force: true });
}
