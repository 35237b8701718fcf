/** A lock file that names its process, so that one that died leaves no lock behind. */

import { open, readFile, rm } from 'node:fs/promises';
import { EngineError } from '../engine/errors';

export interface Lock {
  release(): Promise<void>;
}

/** @throws EngineError BUSY while a living process holds it */
export async function acquireLock(file: string): Promise<Lock> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        throw error;
      }
    }
    const owner = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
    if (isAlive(owner)) {
      throw new EngineError('BUSY', `Another process (${owner}) is working on ${file.replace(/\.lock$/, '')}.`);
    }
    await rm(file, { force: true });
  }
  throw new EngineError('BUSY', `The lock ${file} could not be taken.`);
}

function isAlive(process_: number): boolean {
  if (!Number.isInteger(process_) || process_ <= 0) {
    return false;
  }
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    // somebody else's process
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
