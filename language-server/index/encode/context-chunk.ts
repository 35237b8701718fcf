/** A chunk of one file of the index, from its text to its keys and values. */

import { throwIfAborted } from '../../base/errors';
import type { ChunkEncoder, EncodedChunk } from '../../engine/engine';

export type ChunkState =
  | 'new' // whether it is on disk is not known yet
  | 'absent' // it is not on disk, and has to be encoded
  | 'encoding'
  | 'encoded'
  | 'failed' // the engine could not encode it: it is not tried again
  | 'dropped'; // its text is gone, or over the index size limit

export interface ContextChunk {
  /** Path of its file below the folder. */
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

/** Takes the engine's answer for a chunk; the answer for a chunk that was dropped meanwhile is given back at once. */
export function settle(chunk: ContextChunk, encoded: EncodedChunk): void {
  if (chunk.state === 'dropped' || chunk.encoded !== undefined) {
    encoded.dispose();
    return;
  }
  chunk.encoded = encoded;
  chunk.state = 'encoded';
}

/** Gives a chunk back. Requests that read it go on. */
export function drop(chunk: ContextChunk): void {
  chunk.state = 'dropped';
  chunk.encoded?.dispose();
  chunk.encoded = undefined;
}

/** Takes a new chunk from disk, or finds that it is not there. @throws EngineError CANCELLED, ... */
export async function openChunk(encoder: ChunkEncoder, chunk: ContextChunk, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  if (chunk.state !== 'new') {
    return;
  }
  const opened = await encoder.open(chunk.address, signal);
  if (opened !== undefined) {
    settle(chunk, opened);
  } else if (isNew(chunk)) {
    chunk.state = 'absent';
  }
}

/** While the disk was asked, the chunk may have been dropped. */
function isNew(chunk: ContextChunk): boolean {
  return chunk.state === 'new';
}
