/** The files that belong with a document: what it imports, in that order, then the sources next to it, by name. */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { importCandidates } from './imports';
import type { LeftOutReason } from './left-out';
import type { SourceFile, SourceFiles } from './source-files';

export interface RelatedFiles {
  /** Most related first. */
  readonly files: readonly SourceFile[];
  readonly leftOut: ReadonlyMap<string, LeftOutReason>;
}

const mostNeighbours = 32;
const mostFolderEntries = 2000;

/** File endings that are read together. */
const families = ['ts tsx js jsx mts cts mjs cjs', 'c cc cpp cxx h hh hpp hxx', 'py pyi'].map((names) =>
  names.split(' '),
);

/**
 * @param text of the document as it is now
 * @param absolute the document's own file, which is not among the results
 */
export async function relatedFiles(sources: SourceFiles, absolute: string, text: string): Promise<RelatedFiles> {
  const files = new Map<string, SourceFile>();
  const leftOut = new Map<string, LeftOutReason>();
  const take = async (candidate: string): Promise<boolean> => {
    if (candidate === absolute || files.has(candidate)) {
      return true;
    }
    const result = await sources.read(candidate);
    if (result === undefined) {
      return false;
    }
    if ('file' in result) {
      files.set(candidate, result.file);
    } else {
      leftOut.set(sources.relative(candidate) ?? path.basename(candidate), result.leftOut);
    }
    return true;
  };
  for (const candidates of importCandidates(text, absolute, sources.root)) {
    for (const candidate of candidates) {
      if (await take(candidate)) {
        break;
      }
    }
  }
  for (const neighbour of await neighbours(absolute)) {
    await take(neighbour);
  }
  return { files: [...files.values()], leftOut };
}

async function neighbours(absolute: string): Promise<string[]> {
  const folder = path.dirname(absolute);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const wanted = family(absolute);
  return entries
    .slice(0, mostFolderEntries)
    .filter((entry) => !entry.isDirectory() && wanted.includes(ending(entry.name)))
    .map((entry) => path.join(folder, entry.name))
    .sort()
    .slice(0, mostNeighbours);
}

function family(file: string): readonly string[] {
  const end = ending(file);
  return families.find((names) => names.includes(end)) ?? [end];
}

function ending(file: string): string {
  return path.extname(file).slice(1).toLowerCase();
}
