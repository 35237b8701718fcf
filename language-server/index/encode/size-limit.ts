/**
 * The index size limit: how many tokens of a folder are encoded. The setting says it, or else what memory, disk and a
 * person's patience allow. (The budget is another number: how many tokens attention reads.)
 */

import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from '../../base/cache-folder';
import type { ChunkEncoder, Engine } from '../../engine/engine';

const maxIndexTokens = 131_072;
const minIndexTokens = 2048;
/** Shares of what is free: the rest is the editor's and the user's. */
const memoryShare = 0.25;
const diskShare = 0.25;
/** Nobody waits longer for a repository to be encoded. */
const maxEncodeSeconds = 30 * 60;
/** The limit moves in steps, so that a slightly different reading changes nothing. */
const stepTokens = 4096;
/** An automatic limit stays until the machine allows so much more or less: a share of the limit. */
const slack = 0.25;

export interface SizeReadings {
  /** Bytes free, and bytes that this folder's chunks take already. */
  readonly memoryFree: number;
  readonly memoryUsed: number;
  /** Bytes free where the store is, bytes that it takes already, and how large it may be. */
  readonly diskFree: number | undefined;
  readonly diskUsed: number;
  readonly maxDiskBytes: number;
  readonly bytesPerToken: ChunkEncoder['bytesPerToken'];
  /** The measured speed of encoding; undefined until something was encoded. */
  readonly tokensPerSecond: number | undefined;
  /** How many folders share the machine. */
  readonly folders: number;
}

export function automaticSizeLimit(readings: SizeReadings): number {
  const { bytesPerToken, tokensPerSecond, diskUsed, maxDiskBytes } = readings;
  const memory = ((readings.memoryFree + readings.memoryUsed) * memoryShare) / Math.max(1, bytesPerToken.fast);
  const disk = Math.min(maxDiskBytes, (readings.diskFree ?? Number.POSITIVE_INFINITY) * diskShare + diskUsed);
  const limits = [
    memory / Math.max(1, readings.folders),
    disk / Math.max(1, bytesPerToken.disk) / Math.max(1, readings.folders),
    (tokensPerSecond ?? Number.POSITIVE_INFINITY) * maxEncodeSeconds,
    maxIndexTokens,
  ];
  const tokens = Math.min(...limits);
  return Math.max(minIndexTokens, Math.floor(tokens / stepTokens) * stepTokens);
}

export class IndexSizeLimit {
  readonly #encoding: { readonly tokensPerSecond: number | undefined };
  readonly #folders: { readonly all: readonly unknown[] };
  #settingTokens: number;

  /**
   * @param encoding what encodes the chunks, with its measured speed
   * @param folders all folders of the workspace, which share the machine
   * @param settingTokens tokens of one folder, or 0: automatic
   */
  constructor(
    encoding: { readonly tokensPerSecond: number | undefined },
    folders: { readonly all: readonly unknown[] },
    settingTokens: number,
  ) {
    this.#encoding = encoding;
    this.#folders = folders;
    this.#settingTokens = settingTokens;
  }

  configure(settingTokens: number): void {
    this.#settingTokens = settingTokens;
  }

  /**
   * @param memoryUsed bytes that the folder's chunks take already
   * @param before the folder's limit so far
   * @returns tokens of one folder
   */
  async tokensFor(
    { chunks: encoder, device }: Pick<Engine, 'chunks' | 'device'>,
    memoryUsed: number,
    before: number | undefined,
  ): Promise<number> {
    if (this.#settingTokens > 0 || encoder === undefined) {
      return this.#settingTokens;
    }
    const now = automaticSizeLimit({
      memoryFree: device.memoryFree,
      memoryUsed,
      diskFree: await diskFree(path.resolve(cacheFolder())),
      diskUsed: encoder.disk.bytes,
      maxDiskBytes: encoder.disk.maxBytes,
      bytesPerToken: encoder.bytesPerToken,
      tokensPerSecond: this.#encoding.tokensPerSecond,
      folders: this.#folders.all.length,
    });
    return before !== undefined && Math.abs(now - before) <= before * slack ? before : now;
  }
}

/** Bytes free for this user in the file system of a folder, or of the nearest folder above that exists. */
async function diskFree(folder: string): Promise<number | undefined> {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch {
      if (path.dirname(at) === at) {
        return undefined;
      }
    }
  }
}
