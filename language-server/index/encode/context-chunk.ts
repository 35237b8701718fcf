/** A chunk of one file of the repository, from its text to its keys and values. */

import { throwIfAborted } from '../../base/errors';
import type { ChunkEncoder, EncodedChunk } from '../../engine/engine';

export type ChunkState =
  | 'new' // nobody looked for it on disk yet
  | 'absent' // not on disk: to be encoded
  | 'encoding'
  | 'encoded'
  | 'failed' // the engine could not: it is not tried again
  | 'dropped'; // of a text that is gone, or out of the budget

export interface ContextChunk {
  /** Of its file, below the folder. */
  readonly path: string;
  readonly address: string;
  readonly tokens: Int32Array;
  /** 0-based, inclusive; they move when lines are inserted above. */
  firstLine: number;
  lastLine: number;
  /** See Chunk.blockLines. */
  blockLines: Uint32Array;
  state: ChunkState;
  encoded: EncodedChunk | undefined;
}

/** The engine's answer for a chunk; one that nobody wants any more is given back at once. */
export function settle(chunk: ContextChunk, encoded: EncodedChunk): void {
  if (chunk.state === 'dropped' || chunk.encoded !== undefined) {
    encoded.dispose();
    return;
  }
  chunk.encoded = encoded;
  chunk.state = 'encoded';
}

/** Requests that read it go on. */
export function drop(chunk: ContextChunk): void {
  chunk.state = 'dropped';
  chunk.encoded?.dispose();
  chunk.encoded = undefined;
}

/** Takes a chunk that nobody looked for yet from disk, or finds that it is not there. @throws EngineError CANCELLED, ... */
export async function openChunk(repository: ChunkEncoder, chunk: ContextChunk, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  if (chunk.state !== 'new') {
    return;
  }
  const opened = await repository.open(chunk.address, signal);
  if (opened !== undefined) {
    settle(chunk, opened);
  } else if (isNew(chunk)) {
    chunk.state = 'absent';
  }
}

/** While it was looked for, it may have been dropped. */
function isNew(chunk: ContextChunk): boolean {
  return chunk.state === 'new';
}
