/**
 * The one way to read a file of a workspace. A workspace is a stranger's: a name in it may be a device, a pipe, a socket or
 * a link to any of them, and a read of one of those waits for ever, takes what was meant for somebody else (stdin is the
 * protocol) or never ends. Only regular files are opened, and no more bytes are read than the caller has room for.
 */

import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../../base/errors';

export interface ReadOptions {
  /** Bytes. */
  readonly maxBytes: number;
  /** The file has to be in this folder, links followed. Absent: the user named the file by hand, wherever it is. */
  readonly within?: string;
  /** False: a link is refused, wherever it leads. */
  readonly followLinks?: boolean;
  /** A file that is larger is read up to `maxBytes` instead of being refused. */
  readonly cut?: boolean;
}

interface FileContent {
  readonly bytes: Uint8Array;
  readonly stats: Stats;
  /** Whether the file has more bytes. */
  readonly isCut: boolean;
}

export type ReadRefusal =
  | 'missing'
  | 'no regular file'
  | 'symbolic link'
  | 'outside the folder'
  | 'too large'
  | 'unreadable';

type FileRead = FileContent | { readonly refused: ReadRefusal };

/** Bytes of a file that the user names by hand: a larger one is neither a text that people edit nor a record. */
const maxNamedBytes = 256 * 1024 * 1024;
/** A file may grow or change while it is read: then it is read again, so many times in all. */
const maxAttempts = 3;

/**
 * O_NONBLOCK: opening a pipe without a writer returns at once. O_NOCTTY: a terminal does not become ours. O_NOFOLLOW: the
 * last name has not become a link since it was resolved. Windows has none of them.
 */
const openFlags =
  constants.O_RDONLY | flag(constants.O_NONBLOCK) | flag(constants.O_NOCTTY) | flag(constants.O_NOFOLLOW);

function flag(value: number | undefined): number {
  return value ?? 0;
}

/** Never rejects: what is not read is refused, with the reason. */
export async function readWorkspaceFile(file: string, options: ReadOptions): Promise<FileRead> {
  try {
    return await read(file, options);
  } catch (error) {
    return { refused: refusalOf(error) };
  }
}

/**
 * A text file that the user named by hand: on the command line, for example.
 * @throws EngineError FILE_NOT_FOUND, TEXT_TOO_LONG, FILE_UNREADABLE
 */
export async function readNamedText(file: string, maxBytes = maxNamedBytes): Promise<string> {
  const result = await readWorkspaceFile(file, { maxBytes });
  if ('bytes' in result) {
    // invalid UTF-8 becomes U+FFFD; a byte order mark is no text
    return new TextDecoder('utf-8').decode(result.bytes);
  }
  switch (result.refused) {
    case 'missing':
    case 'no regular file':
      throw new EngineError('FILE_NOT_FOUND', `${file} is ${result.refused === 'missing' ? 'not there' : 'no file'}.`, {
        remedy: 'Give the path of a text file.',
      });
    case 'too large':
      throw new EngineError('TEXT_TOO_LONG', `${file} is too large.`);
    default:
      throw new EngineError('FILE_UNREADABLE', `${file} could not be read.`, {
        remedy: 'Give the path of a text file that you may read.',
      });
  }
}

/** The path of a file below a folder, links followed, with forward slashes; undefined for a file that is elsewhere. */
export async function realPathInside(folder: string, file: string): Promise<string | undefined> {
  try {
    const [root, target] = await Promise.all([realpath(folder), realpath(file)]);
    return isBelow(root, target) ? path.relative(root, target).split(path.sep).join('/') : undefined;
  } catch {
    return undefined;
  }
}

function isBelow(root: string, target: string): boolean {
  return target.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

async function read(
  file: string,
  { maxBytes, within, followLinks = true, cut = false }: ReadOptions,
): Promise<FileRead> {
  if (!followLinks && (await lstat(file)).isSymbolicLink()) {
    return { refused: 'symbolic link' };
  }
  const target = await realpath(file);
  if (within !== undefined && !isBelow(await realpath(within), target)) {
    return { refused: 'outside the folder' };
  }
  // opening a device can have an effect of its own, so it is not even opened
  if (!(await stat(target)).isFile()) {
    return { refused: 'no regular file' };
  }
  const handle = await open(target, openFlags);
  try {
    return await readOpen(handle, maxBytes, cut);
  } finally {
    await handle.close();
  }
}

async function readOpen(handle: FileHandle, maxBytes: number, cut: boolean): Promise<FileRead> {
  for (let attempt = 1; ; attempt++) {
    const before = await handle.stat();
    if (!before.isFile()) {
      return { refused: 'no regular file' };
    }
    const bytes = await readUpTo(handle, before.size, maxBytes);
    const after = await handle.stat();
    const settled = before.mtimeMs === after.mtimeMs && before.size === after.size;
    if (settled || attempt >= maxAttempts) {
      const isCut = bytes.length > maxBytes;
      return isCut && !cut ? { refused: 'too large' } : { bytes: bytes.subarray(0, maxBytes), stats: after, isCut };
    }
  }
}

/**
 * @param size as the system says; a file of no size is not read: those in /proc say so, and some of them wait
 * @returns one byte more than `maxBytes` where there is more
 */
async function readUpTo(handle: FileHandle, size: number, maxBytes: number): Promise<Uint8Array> {
  let buffer = new Uint8Array(size === 0 ? 0 : Math.min(maxBytes, size) + 1);
  let length = 0;
  while (size > 0 && length <= maxBytes) {
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(maxBytes + 1, buffer.length * 2));
      larger.set(buffer);
      buffer = larger;
    }
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function refusalOf(error: unknown): ReadRefusal {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'missing';
    case 'EISDIR':
    case 'ENXIO': // a socket, or a device that is not there
    case 'ENODEV':
      return 'no regular file';
    case 'ELOOP':
      return 'symbolic link';
    default:
      return 'unreadable';
  }
}
