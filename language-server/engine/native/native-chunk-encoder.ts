/** Chunks on the native addon: encoded in the background, kept in the store, and verified when they are opened from it. */

import { createHash } from 'node:crypto';
import { cancellable } from '../../base/cancellable';
import { EngineError, throwIfAborted, toEngineError } from '../../base/errors';
import { type CalibrationFile, defaultComposition } from '../calibration/calibration';
import type { ChunkEncoder, CompositionPolicy, EncodedChunk, RetrievedChunk, StoreOptions } from '../engine';
import { PreemptibleTask } from '../preemptible-task';
import type { NativeChunk, NativeEncoder, NativeModel, NativeModelInfo, NativeRepository, NativeTier } from './addon';
import { ChunkStore } from './chunk-store';
import { concatenate, type TokenPart } from './token-parts';

/** Tokens of a chunk, including its path line. */
export const chunkTokens = 1024;
/** The version of the chunk files' format and of everything that decides their contents. */
const formatVersion = 1;
/** The priority of encoding: after every request, before measuring. */
const encodePriority = -5;
const microBatchTokens = 128;
/** Scales and minima of an int4 page are 8.5 bytes for each channel of 128 tokens: docs/calibration.md. */
const pageTokens = 128;

interface NativeChunkEncoderParts {
  readonly model: NativeModel;
  readonly calibration: CalibrationFile;
  readonly threads: number;
  readonly tier: NativeTier;
  readonly store: StoreOptions;
  /** What the sequences retrieved last. */
  readonly inUse: () => readonly RetrievedChunk[];
}

class NativeEncodedChunk implements EncodedChunk {
  readonly address: string;
  readonly native: NativeChunk;

  constructor(address: string, native: NativeChunk) {
    this.address = address;
    this.native = native;
  }

  get tokens(): number {
    return this.native.tokens;
  }

  get fastBytes(): number {
    return this.native.fastBytes;
  }

  get slowBytes(): number {
    return this.native.slowBytes;
  }

  dispose(): void {
    this.native.dispose();
  }
}

export class NativeChunkEncoder implements ChunkEncoder {
  readonly anchor: Int32Array;
  readonly chunkTokens = chunkTokens;
  readonly bytesPerToken: ChunkEncoder['bytesPerToken'];
  readonly #parts: NativeChunkEncoderParts;
  readonly #composition: Required<Omit<NonNullable<CalibrationFile['composition']>, 'cases'>>;
  readonly #store: ChunkStore;
  readonly #layout: string;
  readonly #rowType: StoreOptions['rowType'];
  readonly #problems = new Set<string>();
  readonly #encoding = new Set<PreemptibleTask<readonly NativeChunk[]>>();
  readonly #lost = new WeakSet<EncodedChunk>();
  onLost: ChunkEncoder['onLost'];
  #encoder: NativeEncoder | undefined;
  #closed = false;

  constructor(parts: NativeChunkEncoderParts) {
    this.#parts = parts;
    const { model, calibration, store, tier } = parts;
    this.anchor = anchorOf(model);
    const { layers, kvHeads, headSize, kvBytesPerToken, fingerprint } = model.info;
    const channels = 2 * (calibration.dominantFcs[0]?.[0]?.length ?? 0);
    const blocks = Math.ceil(channels / 8);
    const importance = (layers * kvHeads * (64 * 8 * blocks + 64 * Math.ceil((32 * blocks) / 64))) / pageTokens;
    this.#rowType = rowTypeOf(store, model.info);
    const rows = this.#rowType === 'q8_0' ? (layers * kvHeads * 2 * headSize * 34) / 32 : kvBytesPerToken;
    this.bytesPerToken = {
      full: kvBytesPerToken,
      fast: importance + (tier === 'fasa-c' ? rows : 0),
      disk: importance + rows,
    };
    this.#layout = createHash('sha256')
      .update(JSON.stringify([formatVersion, fingerprint, this.#rowType, calibration.dominantFcs, [...this.anchor]]))
      .digest('hex');
    this.#composition = { ...defaultComposition, ...calibration.composition };
    const name = `${fingerprint}-${this.#layout.slice(0, 12)}`;
    this.#store = new ChunkStore(store.folder, name, store.maxBytes, (message) => this.#reportOnce(message));
  }

  get policy(): CompositionPolicy {
    const { priorStrength, mostTokens } = this.#composition;
    return { priorStrength, maxTokens: mostTokens };
  }

  get disk(): ChunkEncoder['disk'] {
    return { ...this.#store.size, maxBytes: this.#store.maxBytes };
  }

  get inUse(): ChunkEncoder['inUse'] {
    const chunks = new Set(this.#parts.inUse().map(({ chunk }) => chunk));
    const sum = { tokens: 0, fullBytes: 0, fastBytes: 0, slowBytes: 0 };
    for (const { tokens, fastBytes, slowBytes } of chunks) {
      sum.tokens += tokens;
      sum.fullBytes += tokens * this.bytesPerToken.full;
      sum.fastBytes += fastBytes;
      sum.slowBytes += slowBytes;
    }
    return sum;
  }

  /** Positions of a prompt: the anchor's, a window that all chunks share, the rest of the prompt. */
  get composition(): { readonly anchorTokens: number; readonly tailPosition: number } {
    return { anchorTokens: this.anchor.length, tailPosition: this.anchor.length + chunkTokens };
  }

  address(tokens: Int32Array): string {
    const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
    return createHash('sha256').update(this.#layout).update(bytes).digest('hex').slice(0, 40);
  }

  async open(address: string, signal: AbortSignal): Promise<EncodedChunk | undefined> {
    throwIfAborted(signal);
    if (!(await this.#store.has(address))) {
      return undefined;
    }
    throwIfAborted(signal);
    try {
      const task = this.#native().open(this.#store.file(address), address, { priority: encodePriority });
      const chunk = await cancellable(task, signal);
      await this.#store.used(address);
      return new NativeEncodedChunk(address, chunk);
    } catch (error) {
      const failure = toEngineError(error);
      if (failure.code === 'BAD_CHUNK' || failure.code === 'FILE_UNREADABLE') {
        this.#reportOnce(`${failure.message}; it is encoded again`);
        await this.#store.forget(address);
        return undefined;
      }
      if (failure.code === 'FILE_NOT_FOUND') {
        return undefined;
      }
      throw failure;
    }
  }

  async encode(
    chunks: readonly Int32Array[],
    signal: AbortSignal,
    onProgress: (tokens: number) => void = () => undefined,
  ): Promise<readonly EncodedChunk[]> {
    const sources = await Promise.all(
      chunks.map(async (tokens) => {
        const address = this.address(tokens);
        const file = await this.#store.prepare(address);
        return { tokens, address, ...(file === undefined ? {} : { file }) };
      }),
    );
    const task = new PreemptibleTask<readonly NativeChunk[]>({
      signal,
      start: () => this.#native().encode(sources, { priority: encodePriority }, onProgress),
      mayRestart: () => !this.#closed,
    });
    this.#encoding.add(task);
    const natives = await task.run().finally(() => this.#encoding.delete(task));
    return Promise.all(
      natives.map(async (native, i) => {
        const address = sources[i]?.address ?? '';
        if (native.problem !== undefined) {
          this.#reportOnce(`A chunk stays in memory alone: ${native.problem}`);
        } else if (sources[i]?.file !== undefined) {
          await this.#store.used(address);
        }
        return new NativeEncodedChunk(address, native);
      }),
    );
  }

  async clearDisk(): Promise<number> {
    return this.#store.clear();
  }

  /** Makes way for what is queued with a higher priority; the addon goes on at the micro-batch that it was at. */
  preempt(): void {
    for (const task of this.#encoding) {
      task.preempt();
    }
  }

  /** Leaves out chunks whose mapped file was cut short or replaced: they are reported in the log, and encoded again. */
  intact(chunks: readonly RetrievedChunk[]): readonly RetrievedChunk[] {
    const broken = chunks.filter(({ chunk }) => chunk instanceof NativeEncodedChunk && !chunk.native.isIntact());
    for (const { chunk } of broken) {
      if (!this.#lost.has(chunk)) {
        this.#lost.add(chunk);
        const file = this.#store.file(chunk.address);
        this.#reportOnce(
          `${file} was cut short or replaced by another program while it was in use; it is read no more`,
        );
        this.onLost?.(chunk);
      }
    }
    return broken.length === 0 ? chunks : chunks.filter((one) => !broken.includes(one));
  }

  /** @throws EngineError BAD_ARGUMENT for chunks of another engine */
  retrieved(chunks: readonly RetrievedChunk[]): NativeRepository {
    const { bias, lateTokens } = this.#composition;
    return {
      chunks: chunks.map(({ chunk }) => {
        if (!(chunk instanceof NativeEncodedChunk)) {
          throw new EngineError('BAD_ARGUMENT', 'A chunk was encoded by another engine.');
        }
        return chunk.native;
      }),
      priors: Float32Array.from(chunks, ({ prior }) => prior),
      bias: bias * Math.log(Math.max(1, chunks.length)),
      lateTokens,
    };
  }

  dispose(): void {
    this.#closed = true;
    this.#encoder?.dispose();
    this.#encoder = undefined;
  }

  #native(): NativeEncoder {
    if (this.#closed) {
      throw new EngineError('DISPOSED', 'The model was unloaded.');
    }
    const { model, calibration, threads, tier } = this.#parts;
    this.#encoder ??= model.createEncoder({
      anchor: this.anchor,
      threads,
      microBatch: microBatchTokens,
      calibration,
      rowType: this.#rowType,
      tier,
      chunkTokens,
    });
    return this.#encoder;
  }

  /** Reports each problem once: a disk that is full is full for every chunk. */
  #reportOnce(message: string): void {
    const kind = message.replace(/(?<!\S)\S*\.kv\S*/g, '');
    if (!this.#problems.has(kind)) {
      this.#problems.add(kind);
      this.#parts.store.onProblem?.(message);
    }
  }
}

/** Blocks of q8_0 have 32 elements, so heads of other sizes stay in f16, and the log says so. */
function rowTypeOf({ rowType, onProblem }: StoreOptions, info: Pick<NativeModelInfo, 'headSize' | 'name'>) {
  if (rowType === 'q8_0' && info.headSize % 32 !== 0) {
    onProblem?.(
      `Keys and values of ${info.name} are kept as f16: q8_0 needs heads of a multiple of 32 dimensions, not of ${info.headSize}.`,
    );
    return 'f16';
  }
  return rowType;
}

/** The attention sink before everything else: BOS if the model has it, and a header that fits any repository. */
export function anchorOf(model: NativeModel): Int32Array {
  const { bos, addBos, fimRepository } = model.info.tokens;
  const parts: TokenPart[] = addBos && bos !== undefined ? [[bos]] : [];
  if (fimRepository !== undefined) {
    parts.push([fimRepository], model.tokenize('repository\n', false));
  } else {
    parts.push(model.tokenize('# Source files of a repository\n', false));
  }
  return concatenate(parts);
}
