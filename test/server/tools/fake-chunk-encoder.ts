/** Chunks of the fake engine: a store in memory, encoding that takes time, steps aside and can be cancelled. */

import { EngineError, type ErrorCode, throwIfAborted } from '../../../language-server/base/errors';
import type { ChunkEncoder, EncodedChunk, RetrievedChunk, StoreOptions } from '../../../language-server/engine/engine';

export interface FakeChunkEncoderOptions {
  /** For each chunk; default 1. */
  readonly encodeMs?: number;
  readonly chunkTokens?: number;
  /** Texts of chunks that cannot be encoded. */
  readonly failOn?: string;
  readonly failCode?: ErrorCode;
  /** The file of the first chunk with this text that a request reads is found cut short, once. */
  readonly loses?: string;
}

interface FakeChunkEncoderParts {
  readonly rowType: StoreOptions['rowType'];
  /** Takes a turn of the engine behind all requests, and its time. @throws EngineError CANCELLED */
  readonly step: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly onEvent: (event: string) => void;
  readonly anchor: Int32Array;
  readonly textOf: (tokens: Int32Array) => string;
}

class FakeChunk implements EncodedChunk {
  readonly address: string;
  readonly tokens: number;
  readonly fastBytes = 64;
  readonly slowBytes = 1024;
  readonly head: string;
  readonly #onDispose: () => void;
  #disposed = false;

  constructor(address: string, tokens: number, head: string, onDispose: () => void) {
    this.address = address;
    this.tokens = tokens;
    this.head = head;
    this.#onDispose = onDispose;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (!this.#disposed) {
      this.#disposed = true;
      this.#onDispose();
    }
  }
}

/** As a disk with a limit has it. */
const maxStored = 5000;

export class FakeChunkEncoder implements ChunkEncoder {
  readonly policy = { priorStrength: 2, maxTokens: 49_152 };
  readonly anchor: Int32Array;
  readonly chunkTokens: number;
  readonly bytesPerToken: ChunkEncoder['bytesPerToken'];
  readonly #options: FakeChunkEncoderOptions;
  readonly #parts: FakeChunkEncoderParts;
  readonly #store = new Map<string, Int32Array>();
  #inUse: readonly RetrievedChunk[] = [];
  #alive = 0;
  #hasLost = false;
  onLost: ChunkEncoder['onLost'];

  constructor(options: FakeChunkEncoderOptions, parts: FakeChunkEncoderParts) {
    this.#options = options;
    this.#parts = parts;
    this.anchor = parts.anchor;
    this.bytesPerToken = { full: 1024, fast: 64, disk: parts.rowType === 'q8_0' ? 608 : 1100 };
    this.chunkTokens = options.chunkTokens ?? 512;
  }

  get disk(): ChunkEncoder['disk'] {
    let bytes = 0;
    for (const tokens of this.#store.values()) {
      bytes += tokens.length * this.bytesPerToken.disk;
    }
    return { chunks: this.#store.size, bytes, maxBytes: 1e9 };
  }

  get inUse(): ChunkEncoder['inUse'] {
    const tokens = this.#inUse.reduce((sum, { chunk }) => sum + chunk.tokens, 0);
    const { full, fast, disk } = this.bytesPerToken;
    return { tokens, fullBytes: tokens * full, fastBytes: tokens * fast, slowBytes: tokens * (disk - fast) };
  }

  /** Chunks that nobody has disposed of. */
  get alive(): number {
    return this.#alive;
  }

  address(tokens: Int32Array): string {
    return this.#parts.textOf(tokens);
  }

  async open(address: string, signal: AbortSignal): Promise<EncodedChunk | undefined> {
    throwIfAborted(signal);
    await Promise.resolve();
    const tokens = this.#store.get(address);
    if (tokens === undefined) {
      return undefined;
    }
    this.#parts.onEvent(`opened ${head(address)}`);
    return this.#chunk(address, tokens);
  }

  async encode(
    chunks: readonly Int32Array[],
    signal: AbortSignal,
    onProgress?: (tokens: number) => void,
  ): Promise<readonly EncodedChunk[]> {
    let done = 0;
    for (const tokens of chunks) {
      const text = this.#parts.textOf(tokens);
      await this.#parts.step(this.#options.encodeMs ?? 1, signal);
      if (this.#options.failOn !== undefined && text.includes(this.#options.failOn)) {
        throw new EngineError(this.#options.failCode ?? 'INTERNAL', 'The chunk cannot be encoded.');
      }
      this.#parts.onEvent(`encoded ${JSON.stringify(text)}`);
      const [oldest] = this.#store.keys();
      if (oldest !== undefined && this.#store.size >= maxStored) {
        this.#store.delete(oldest);
      }
      this.#store.set(text, tokens);
      done += tokens.length;
      onProgress?.(done);
    }
    return chunks.map((tokens) => this.#chunk(this.address(tokens), tokens));
  }

  async clearDisk(): Promise<number> {
    const { bytes } = this.disk;
    this.#store.clear();
    return bytes;
  }

  /** `// a.ts -1.5, // b.ts 0`: what a request reads. */
  describe(retrieved: readonly RetrievedChunk[]): string {
    const chunks = retrieved.filter(({ chunk }) => !this.#loses(chunk));
    this.#inUse = chunks;
    return chunks
      .map(({ chunk, prior }) => {
        const { head: name, disposed } = chunk as FakeChunk;
        return `${name} ${disposed ? 'DISPOSED' : prior.toFixed(1)}`;
      })
      .join(', ');
  }

  #loses(chunk: EncodedChunk): boolean {
    const { loses } = this.#options;
    if (this.#hasLost || loses === undefined || !chunk.address.includes(loses)) {
      return false;
    }
    this.#hasLost = true;
    this.#store.delete(chunk.address);
    this.onLost?.(chunk);
    return true;
  }

  #chunk(address: string, tokens: Int32Array): FakeChunk {
    this.#alive++;
    return new FakeChunk(address, tokens.length, head(address), () => {
      this.#alive--;
    });
  }
}

function head(text: string): string {
  return text.slice(0, text.indexOf('\n'));
}
