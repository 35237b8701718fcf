/**
 * All files of a folder in path order, bounded: those that may be read, and those that are left out, with the reason.
 */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../../base/errors';
import { versionControl } from './ignore/ignore-session';
import { type LeftOutReason, leftOutByName } from './left-out';
import type { SourceFiles } from './source-files';

interface WalkOptions {
  readonly signal?: AbortSignal;
  readonly maxFiles?: number;
}

export interface FolderListing {
  /** Paths below the folder with forward slashes, sorted by code units. */
  readonly files: readonly string[];
  /** Reasons by path; a folder ends with a slash and stands for all that is in it. */
  readonly leftOut: ReadonlyMap<string, LeftOutReason>;
  /** The folders that were read, the folder itself ('') included. */
  readonly folders: readonly string[];
  /** There are more files than the walk takes. */
  readonly truncated: boolean;
  /** Whole sentences on rules that are not applied, and why. */
  readonly ruleProblems: readonly string[];
}

const maxDepth = 40;
const maxFilesOfAll = 20_000;
const maxFolders = 20_000;

/** Walks the folder. Symbolic links are not followed. @throws EngineError CANCELLED */
export async function listFolder(
  sources: SourceFiles,
  { signal, maxFiles = maxFilesOfAll }: WalkOptions = {},
): Promise<FolderListing> {
  const session = await sources.rules.session({ fresh: true, signal });
  const files: string[] = [];
  const leftOut = new Map<string, LeftOutReason>();
  const folders: string[] = [];
  let truncated = false;

  const leaveOut = (name: string, reason: LeftOutReason) => {
    if (leftOut.size < maxFilesOfAll) {
      leftOut.set(name, reason);
    } else {
      truncated = true;
    }
  };

  /** @param hidden why the folder is left out: it is read for what the user has included below it */
  const visit = async (parts: readonly string[], hidden: LeftOutReason | undefined): Promise<void> => {
    throwIfAborted(signal);
    const entries = await readdir(path.join(sources.root, ...parts), { withFileTypes: true }).catch(() => []);
    entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    folders.push(parts.join('/'));
    session.foundIn(
      parts,
      entries.map(({ name }) => name),
    );
    for (const entry of entries) {
      if (files.length >= maxFiles || folders.length >= maxFolders) {
        truncated = true;
        return;
      }
      const own = [...parts, entry.name];
      const relative = own.join('/');
      const choice = sources.choices?.of(relative);
      let reason = choice === 'include' ? undefined : choice === 'exclude' ? 'excluded by you' : hidden;
      if (reason === undefined && choice !== 'include') {
        reason = await session.whyIgnored(own, entry.isDirectory());
      }
      if (entry.isDirectory()) {
        const readable = own.length < maxDepth && !versionControl.has(entry.name);
        if (readable && (reason === undefined || sources.choices?.includesBelow(relative) === true)) {
          await visit(own, reason);
        } else {
          leaveOut(`${relative}/`, reason ?? 'ignored');
        }
        continue;
      }
      if (!entry.isFile()) {
        reason ??= entry.isSymbolicLink() ? 'symbolic link' : 'binary';
      }
      reason ??= leftOutByName(entry.name, sources.choices?.inclusion(relative));
      if (reason === undefined) {
        files.push(relative);
      } else {
        leaveOut(relative, reason);
      }
    }
  };
  await visit([], undefined);
  return { files, leftOut, folders, truncated, ruleProblems: session.problems };
}

/**
 * Walks the folder for its files alone.
 * @returns paths below the folder with forward slashes, sorted by code units
 * @throws EngineError CANCELLED
 */
export async function walk(sources: SourceFiles, options: WalkOptions = {}): Promise<string[]> {
  return [...(await listFolder(sources, options)).files];
}
