/**
 * What is there of a download: the bytes in `NAME.part`, and what they are of in `NAME.part.json`, so that a process that was
 * killed leaves what the next one goes on with. Bytes of another file are never mixed in: then it starts anew.
 */

import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { readOwnText, writeWhole } from '../../base/cache-files';
import { EngineError, throwIfAborted } from '../../base/errors';
import { object, optional, string } from '../../protocol/validate';

/** What the bytes are of. */
export interface PartOf {
  /** Where they come from, without what may be secret. */
  readonly source: string;
  /** Of the file, where the hub says it. */
  readonly sha256: string | undefined;
  /** The server's mark of this version of the file, strong ones alone. */
  readonly etag: string | undefined;
}

const recordShape = object({ source: string(2000), sha256: optional(string(64)), etag: optional(string(500)) });
const pieceBytes = 1 << 20;

export function partFile(file: string): string {
  return `${file}.part`;
}

function recordFile(file: string): string {
  return `${file}.part.json`;
}

export class PartialFile {
  readonly #file: string;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #length = 0;
  #of: PartOf;

  private constructor(file: string, handle: FileHandle, of: PartOf) {
    this.#file = file;
    this.#handle = handle;
    this.#of = of;
  }

  /**
   * What an earlier process left is read through once, for its hash; what is of another file is dropped.
   * @param file the one that it becomes
   * @throws EngineError CANCELLED; the file system's errors
   */
  static async open(
    file: string,
    source: string,
    sha256: string | undefined,
    signal: AbortSignal,
    onCheck?: (share: number) => void,
  ): Promise<PartialFile> {
    const record = readRecord(file);
    const goesOn = record !== undefined && record.source === source && record.sha256 === sha256;
    if (!goesOn) {
      // a link in its place would have us write elsewhere
      await rm(partFile(file), { recursive: true, force: true });
    }
    const noFollow = constants.O_NOFOLLOW ?? 0;
    const handle = await open(partFile(file), constants.O_RDWR | constants.O_CREAT | noFollow, 0o600);
    const part = new PartialFile(file, handle, goesOn ? record : { source, sha256, etag: undefined });
    try {
      await part.#takeUp(signal, onCheck);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return part;
  }

  get length(): number {
    return this.#length;
  }

  get etag(): string | undefined {
    return this.#of.etag;
  }

  /** Hex. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  async #takeUp(signal: AbortSignal, onCheck?: (share: number) => void): Promise<void> {
    const { size } = await this.#handle.stat();
    const piece = Buffer.alloc(pieceBytes);
    while (this.#length < size) {
      throwIfAborted(signal);
      const { bytesRead } = await this.#handle.read(piece, 0, piece.length, this.#length);
      if (bytesRead === 0) {
        break;
      }
      this.#hash.update(piece.subarray(0, bytesRead));
      this.#length += bytesRead;
      onCheck?.(this.#length / size);
    }
  }

  /** The mark of the version that is written from now on. */
  async mark(etag: string | undefined): Promise<void> {
    this.#of = { ...this.#of, etag };
    const { source, sha256 } = this.#of;
    await writeWhole(recordFile(this.#file), `${JSON.stringify({ source, sha256, etag })}\n`);
  }

  async append(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const result = await this.#handle.write(bytes, written, bytes.length - written, this.#length + written);
      written += result.bytesWritten;
    }
    this.#hash.update(bytes);
    this.#length += bytes.length;
  }

  /** Its first bytes, as far as they are there. */
  async start(count: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.min(count, this.#length));
    const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  }

  async startAnew(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#length = 0;
  }

  /** What is there stays for the next time. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Flushed first: a name that is there stands for all of its bytes, after a crash as well. */
  async become(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(partFile(this.#file), this.#file);
    await rm(recordFile(this.#file), { force: true });
  }

  async drop(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await dropPart(this.#file);
  }
}

export async function dropPart(file: string): Promise<void> {
  await rm(partFile(file), { recursive: true, force: true });
  await rm(recordFile(file), { force: true });
}

/** Bytes that are there of a file that was not fetched whole. */
export async function partBytes(file: string): Promise<number> {
  return (await stat(partFile(file)).catch(() => undefined))?.size ?? 0;
}

function readRecord(file: string): PartOf | undefined {
  try {
    const { source, sha256, etag } = recordShape(JSON.parse(readOwnText(recordFile(file), 8192) ?? ''), 'part');
    return { source, sha256, etag };
  } catch {
    return undefined;
  }
}

/** What the file system says in the middle of writing, for people. @returns undefined for anything else */
export function writeFailure(error: unknown, file: string): EngineError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const again = 'then start it again: it goes on where it was.';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new EngineError('DISK_FULL', `The disk became full while ${file} was fetched.`, {
        cause: error,
        remedy: `Free some disk space, ${again}`,
      });
    case 'EFBIG':
      return new EngineError('DISK_FULL', `The file system takes no file of the size of ${file}.`, {
        cause: error,
        remedy: 'Set FASA_CACHE_DIR to a folder on another disk.',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EBUSY':
    case 'EROFS':
      return new EngineError('FILE_UNREADABLE', `${file} cannot be written; it may be in use, or not this user's.`, {
        cause: error,
        remedy: `Choose another model in every window, ${again}`,
      });
    default:
      return undefined;
  }
}
