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

export type MemoryShape = Pick<NativeModelInfo, 'bytes' | 'kvBytesPerToken'>;

/** What a loaded model needs with one sequence of that many tokens. */
export function memoryParts({ bytes, kvBytesPerToken }: MemoryShape, contextTokens: number) {
  const keysAndValues = kvBytesPerToken * contextTokens;
  return {
    weights: bytes,
    keysAndValues,
    importanceKeys: Math.ceil(keysAndValues * importanceShare),
    work: overheadBytes,
  };
}

/** All parts: the file, the KV cache of one sequence, importance keys and buffers. The file counts in full because weights may be repacked. */
export function memoryNeeded(info: MemoryShape, contextTokens: number): number {
  const { weights, keysAndValues, importanceKeys, work } = memoryParts(info, contextTokens);
  return weights + keysAndValues + importanceKeys + work;
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
