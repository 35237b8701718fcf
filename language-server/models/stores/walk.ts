/**
 * GGUF files below a folder. Folders that are links are not entered, and a file that is one counts where it leads to a file
 * of the same folder (as the Hugging Face cache is made), never to one outside of it.
 */

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

export interface WalkLimits {
  readonly depth: number;
  /** Entries that are looked at. */
  readonly entries: number;
  readonly files: number;
}

export const defaultLimits: WalkLimits = { depth: 8, entries: 50_000, files: 1000 };

/** @returns sorted paths; none for a folder that is missing or may not be read */
export function findGgufFiles(root: string, limits: WalkLimits = defaultLimits): Promise<string[]> {
  return findFiles(root, isModelName, limits);
}

export async function findFiles(
  root: string,
  isWanted: (name: string) => boolean,
  limits: WalkLimits = defaultLimits,
): Promise<string[]> {
  const real = await realpath(root).catch(() => undefined);
  if (real === undefined) {
    return [];
  }
  const files: string[] = [];
  let entriesLeft = limits.entries;
  let level = [root];
  for (let depth = 0; depth <= limits.depth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      for (const entry of await entriesOf(folder)) {
        entriesLeft -= 1;
        if (entriesLeft < 0 || files.length >= limits.files) {
          return files.toSorted();
        }
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) {
          next.push(file);
        } else if (
          isWanted(entry.name) &&
          (entry.isFile() || (entry.isSymbolicLink() && (await leadsInside(file, real))))
        ) {
          files.push(file);
        }
      }
    }
    level = next;
  }
  return files.toSorted();
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of a split model, the first part stands for all of them. */
function isModelName(name: string): boolean {
  return /\.gguf$/i.test(name) && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(name);
}

/** @param root a real path */
export async function leadsInside(file: string, root: string): Promise<boolean> {
  try {
    const target = await realpath(file);
    return target.startsWith(root + path.sep) && (await stat(target)).isFile();
  } catch {
    return false;
  }
}
