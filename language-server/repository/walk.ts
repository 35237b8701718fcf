/** All files of a folder that .gitignore leaves, in path order, bounded. */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../engine/errors';
import { leftOutByName } from './left-out';
import type { SourceFiles } from './source-files';

export interface WalkOptions {
  readonly signal?: AbortSignal;
  readonly mostFiles?: number;
}

const mostDepth = 40;

/**
 * @returns paths below the folder with forward slashes, sorted by code units; symbolic links are not followed
 * @throws EngineError CANCELLED
 */
export async function walk(sources: SourceFiles, { signal, mostFiles = 20_000 }: WalkOptions = {}): Promise<string[]> {
  const found: string[] = [];
  const visit = async (parts: readonly string[]): Promise<void> => {
    throwIfAborted(signal);
    const entries = await readdir(path.join(sources.root, ...parts), { withFileTypes: true }).catch(() => []);
    entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const entry of entries) {
      const own = [...parts, entry.name];
      if (found.length >= mostFiles || (await sources.rules.ignoresEntry(own, entry.isDirectory()))) {
        continue;
      }
      if (entry.isDirectory() && own.length < mostDepth) {
        await visit(own);
      } else if (entry.isFile() && leftOutByName(entry.name) === undefined) {
        found.push(own.join('/'));
      }
    }
  };
  await visit([]);
  return found;
}
