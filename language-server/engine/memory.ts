/** Whether a model fits the machine's memory, estimated before anything is loaded. */

import os from 'node:os';
import { EngineError } from '../base/errors';
import { formatBytes } from '../protocol/format';
import type { NativeModelInfo } from './native/addon';

/** Compute buffers, vocabulary and the addon itself. */
const overheadBytes = 192 * 1024 * 1024;

/** Importance keys hold half of the frequency chunks in 4 bits, with ranges: about 1/14 of f16 K and V. */
const importanceShare = 1 / 14;

/** Bytes that can be allocated now without pushing other programs out. */
export function memoryAvailable(): number {
  if (process.platform === 'darwin') {
    // the free memory that macOS reports excludes what it would give back at once
    return Math.floor(os.totalmem() * 0.75);
  }
  const limit = process.constrainedMemory() ?? 0;
  const free = os.freemem();
  return limit > 0 && limit < os.totalmem() ? Math.min(free, Math.max(0, limit - process.memoryUsage().rss)) : free;
}

/** The file, the KV cache of one sequence, importance keys and buffers. The file counts in full because weights may be repacked. */
export function memoryNeeded(info: Pick<NativeModelInfo, 'bytes' | 'kvBytesPerToken'>, contextTokens: number): number {
  return Math.ceil(info.bytes + info.kvBytesPerToken * contextTokens * (1 + importanceShare) + overheadBytes);
}

/** @throws EngineError OUT_OF_MEMORY */
export function checkMemory(info: NativeModelInfo, contextTokens: number, available: number): void {
  const needed = memoryNeeded(info, contextTokens);
  if (needed > available) {
    throw new EngineError(
      'OUT_OF_MEMORY',
      `${info.name} with ${contextTokens} context tokens needs about ${formatBytes(needed)} of memory, ` +
        `and ${formatBytes(available)} are free.`,
    );
  }
}
