/**
 * The files of a folder that were read: cut into chunks, or left out for a reason. A file that did not change is not
 * read again.
 */

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../../base/errors';
import type { Engine } from '../../engine/engine';
import type { LeftOutReason } from '../discover/left-out';
import type { SourceFile, SourceFiles } from '../discover/source-files';
import { type ContextChunk, drop } from '../encode/context-chunk';
import { Bm25Index, type TermWeights } from '../rank/bm25';
import { type Chunk, chunksOf } from './chunker';

/** A file that was read and cut. */
export interface FileRecord {
  readonly path: string;
  version: string;
  readonly hash: string;
  readonly tokens: number;
  readonly chunks: readonly ContextChunk[];
  /** The walk of the folder that it was compared with last. */
  generation: number;
}

/** Why a file is not in the index. */
interface ExclusionDecision {
  readonly generation: number;
  /** undefined: the file is gone. */
  readonly reason: LeftOutReason | undefined;
  /** How long a file is that did not fit. */
  readonly tokens?: number;
}

interface ReadOptions {
  /** The file is read whatever its time stamp says. */
  readonly changed: boolean;
  /** Tokens that are left of the index size limit. */
  readonly room: number;
  readonly signal: AbortSignal;
}

/** Milliseconds: tokenizing delays requests by no more than this. */
const sliceMs = 5;

export class FileRecords {
  readonly #sources: SourceFiles;
  readonly #records = new Map<string, FileRecord>();
  readonly #exclusions = new Map<string, ExclusionDecision>();
  readonly #index = new Bm25Index<ContextChunk>();
  #generation = 0;

  constructor(sources: SourceFiles) {
    this.#sources = sources;
  }

  /** Each file is compared with the disk once more. */
  compareAgain(): void {
    this.#generation++;
  }

  /** Tokens of a file that did not fit, if it was read. */
  tokensLeftOut(path: string): number {
    return this.#exclusions.get(path)?.tokens ?? 0;
  }

  /** Similarity of the chunks to a query, by BM25. */
  scores(query: TermWeights): ReadonlyMap<ContextChunk, number> {
    return this.#index.scores(query);
  }

  /** Gives back the chunks of all other files. */
  keepOnly(files: ReadonlyMap<string, FileRecord>): void {
    for (const [path, record] of this.#records) {
      if (!files.has(path)) {
        this.#discard(record);
      }
    }
  }

  clear(): void {
    for (const { chunks } of this.#records.values()) {
      chunks.forEach(drop);
    }
    this.#records.clear();
    this.#exclusions.clear();
    this.#index.clear();
  }

  /**
   * The file as it is now, or why it is not in the index. Chunks of text that did not change stay as they are.
   * @throws EngineError CANCELLED
   */
  async get(
    engine: Engine,
    path: string,
    { changed, room, signal }: ReadOptions,
  ): Promise<FileRecord | ExclusionDecision> {
    const excluded = this.#exclusions.get(path);
    const isOld = changed || excluded?.generation !== this.#generation;
    if (excluded !== undefined && !isOld && (excluded.tokens === undefined || excluded.tokens > room)) {
      return excluded;
    }
    const result = await this.#read(engine, path, changed, signal);
    const isLeftOut = typeof result === 'string' || result === undefined;
    if (!isLeftOut && result.tokens <= room) {
      this.#exclusions.delete(path);
      return result;
    }
    const made: ExclusionDecision = isLeftOut
      ? { generation: this.#generation, reason: result }
      : { generation: this.#generation, reason: 'over the budget', tokens: result.tokens };
    this.#exclusions.set(path, made);
    return made;
  }

  /** @returns undefined for a file that is gone */
  async #read(
    engine: Engine,
    path: string,
    changed: boolean,
    signal: AbortSignal,
  ): Promise<FileRecord | LeftOutReason | undefined> {
    const known = this.#records.get(path);
    if (known !== undefined && !changed && known.generation === this.#generation) {
      return known;
    }
    const result = await this.#sources.readListed(path, changed ? undefined : known?.version);
    // chunks of an engine that went away meanwhile may not be kept
    throwIfAborted(signal);
    if (result === 'unchanged' && known !== undefined) {
      known.generation = this.#generation;
      return known;
    }
    if (result === undefined || result === 'unchanged' || 'leftOut' in result) {
      this.#discard(known);
      return result === undefined || result === 'unchanged' ? undefined : result.leftOut;
    }
    const { file } = result;
    const hash = createHash('sha1').update(file.text).digest('base64');
    if (known?.hash === hash) {
      known.version = file.version;
      known.generation = this.#generation;
      return known;
    }
    return this.#cut(engine, file, hash, known, signal);
  }

  async #cut(
    engine: Engine,
    file: SourceFile,
    hash: string,
    known: FileRecord | undefined,
    signal: AbortSignal,
  ): Promise<FileRecord | LeftOutReason> {
    const cut: Chunk[] = [];
    let started = performance.now();
    for (const chunk of chunksOf(engine, file.path, file.text)) {
      cut.push(chunk);
      if (performance.now() - started > sliceMs) {
        await nextTurn();
        throwIfAborted(signal);
        started = performance.now();
      }
    }
    if (cut.length === 0) {
      this.#discard(known);
      return 'empty';
    }
    // the same text may stand in a file several times
    const before = new Map<string, ContextChunk[]>();
    for (const chunk of known?.chunks ?? []) {
      before.set(chunk.address, [...(before.get(chunk.address) ?? []), chunk]);
    }
    const chunks = cut.map((chunk) => this.#keepOrMake(engine, file.path, chunk, before));
    for (const chunk of [...before.values()].flat()) {
      this.#drop(chunk);
    }
    const tokens = chunks.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
    const record = { path: file.path, version: file.version, hash, tokens, chunks, generation: this.#generation };
    this.#records.set(file.path, record);
    return record;
  }

  #keepOrMake(engine: Engine, path: string, chunk: Chunk, before: ReadonlyMap<string, ContextChunk[]>): ContextChunk {
    const { tokens, firstLine, lastLine, blockLines } = chunk;
    const address = engine.chunks?.address(tokens) ?? '';
    const kept = before.get(address)?.shift();
    if (kept !== undefined) {
      Object.assign(kept, { firstLine, lastLine, blockLines });
      return kept;
    }
    const made: ContextChunk = {
      path,
      address,
      tokens,
      firstLine,
      lastLine,
      blockLines,
      state: 'new',
      encoded: undefined,
    };
    this.#index.add(made, chunk.text);
    return made;
  }

  #discard(record: FileRecord | undefined): void {
    if (record === undefined) {
      return;
    }
    for (const chunk of record.chunks) {
      this.#drop(chunk);
    }
    this.#records.delete(record.path);
  }

  #drop(chunk: ContextChunk): void {
    this.#index.remove(chunk);
    drop(chunk);
  }
}
