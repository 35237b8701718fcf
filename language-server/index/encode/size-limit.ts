/** How many tokens of a repository are encoded when the setting does not say: what memory, disk and patience allow. */

import { statfs } from 'node:fs/promises';
import path from 'node:path';
import type { ChunkEncoder } from '../../engine/engine';

export const maxBudgetTokens = 131_072;
const minBudgetTokens = 2048;
/** Shares of what is free: the rest is the editor's and the user's. */
const memoryShare = 0.25;
const diskShare = 0.25;
/** Nobody waits longer for a repository to be read. */
const maxEncodeSeconds = 30 * 60;
/** Budgets move in steps, so that a reading that is a little different changes nothing. */
const stepTokens = 4096;

export interface BudgetReadings {
  /** Bytes free, and bytes that this repository's chunks hold already. */
  readonly memoryFree: number;
  readonly memoryHeld: number;
  /** Bytes free where the store is, bytes that it has already, and how large it may be. */
  readonly diskFree: number | undefined;
  readonly diskHeld: number;
  readonly maxDiskBytes: number;
  readonly bytesPerToken: ChunkEncoder['bytesPerToken'];
  /** Measured; undefined until something was encoded. */
  readonly tokensPerSecond: number | undefined;
  /** Folders that share the machine. */
  readonly folders: number;
}

export function automaticBudget(readings: BudgetReadings): number {
  const { bytesPerToken, tokensPerSecond, diskHeld, maxDiskBytes } = readings;
  const memory = ((readings.memoryFree + readings.memoryHeld) * memoryShare) / Math.max(1, bytesPerToken.fast);
  const disk = Math.min(maxDiskBytes, (readings.diskFree ?? Number.POSITIVE_INFINITY) * diskShare + diskHeld);
  const limits = [
    memory / Math.max(1, readings.folders),
    disk / Math.max(1, bytesPerToken.disk) / Math.max(1, readings.folders),
    (tokensPerSecond ?? Number.POSITIVE_INFINITY) * maxEncodeSeconds,
    maxBudgetTokens,
  ];
  const tokens = Math.min(...limits);
  return Math.max(minBudgetTokens, Math.floor(tokens / stepTokens) * stepTokens);
}

/** Bytes free for this user in the file system of a folder, or of the nearest folder above that exists. */
export async function diskFree(folder: string): Promise<number | undefined> {
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
