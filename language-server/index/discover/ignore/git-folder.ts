/**
 * Where git keeps what it knows of a folder: `.git`, or the folder that a file of this name points to, in a submodule
 * (`gitdir:`), another work tree (`commondir` there), or beside a bare repository. See gitrepository-layout(5).
 */

import { lstat, stat } from 'node:fs/promises';
import path from 'node:path';
import { readWorkspaceFile } from '../read-file';
import type { GitPlace } from './git-config';

const maxDepth = 40;
/** The size of a file with a path and a word before it. */
const maxPointerBytes = 8192;

/** True for the top of a work tree: `.git` is a folder in a clone, a file in a submodule or another work tree. */
export async function isGitRoot(folder: string): Promise<boolean> {
  return (await lstat(path.join(folder, '.git')).catch(() => undefined)) !== undefined;
}

/** @param root the top of a work tree @returns folders that need not exist: a repository may name any */
export async function gitPlace(root: string): Promise<GitPlace> {
  const dotGit = path.join(root, '.git');
  const isFolder = (await stat(dotGit).catch(() => undefined))?.isDirectory() === true;
  const pointer = isFolder ? undefined : /^gitdir: ([^\0]+)$/s.exec(await firstLine(dotGit))?.[1];
  const gitFolder = pointer === undefined ? dotGit : path.resolve(root, pointer);
  const common = await firstLine(path.join(gitFolder, 'commondir'));
  const commonFolder = common === '' || common.includes('\0') ? gitFolder : path.resolve(gitFolder, common);
  return { gitFolder, commonFolder };
}

/**
 * Folders above this one whose git rules apply in it, nearest first, up to the top of the work tree; none outside of
 * one.
 */
export async function gitFoldersAround(root: string): Promise<readonly string[]> {
  if (await isGitRoot(root)) {
    return [];
  }
  const around: string[] = [];
  let folder = root;
  for (let depth = 0; depth < maxDepth; depth++) {
    const parent = path.dirname(folder);
    if (parent === folder) {
      break;
    }
    around.push(parent);
    if (await isGitRoot(parent)) {
      return around;
    }
    folder = parent;
  }
  return [];
}

/** The first line of a file; empty where there is no such file. */
async function firstLine(file: string): Promise<string> {
  const read = await readWorkspaceFile(file, { maxBytes: maxPointerBytes });
  return 'refused' in read ? '' : (new TextDecoder('utf-8').decode(read.bytes).split(/\r?\n/)[0] ?? '');
}
