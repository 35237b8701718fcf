/** Chunks of the evaluated repositories: cut like those of the product, encoded once, and kept on disk for the next run. */

import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { cancellable } from '../../language-server/base/cancellable';
import { toEngineError } from '../../language-server/base/errors';
import type { OpenModel } from '../../language-server/cli/open-model';
import type { NativeChunk, NativeEncoder } from '../../language-server/engine/native/addon';
import { type Chunk, chunkFile } from '../../language-server/index/chunk/chunker';
import { Bm25Index } from '../../language-server/index/rank/bm25';
import { importsOf } from '../../language-server/index/rank/order';
import { raiseImported, type Topic, termsOf } from '../../language-server/index/rank/relevance';
import type { CorpusRepository } from './corpus';
import type { Snippet } from './prompt';

/** The size of a snippet in the text search baseline: about what other assistants put into a prompt as one snippet. */
const snippetTokens = 256;

interface FileChunk {
  /** The path of its file. */
  readonly path: string;
  readonly chunk: Chunk;
}

/** A place in a file, and the text before it. */
export interface Place {
  readonly file: { readonly path: string; readonly text: string };
  readonly offset: number;
  readonly prompt: { readonly tailText: string };
}

/** The chunks of one repository, with text search over them. */
export class SearchableChunks {
  readonly all: readonly FileChunk[];
  readonly #index = new Bm25Index<number>();
  readonly #root: string;
  readonly #files: ReadonlySet<string>;

  constructor(bench: OpenModel, repository: CorpusRepository, tokens: number) {
    const { model } = bench;
    this.#root = repository.root;
    this.#files = new Set(repository.files.map((file) => file.path));
    const tokenizer = {
      model: model.info,
      tokenize: (text: string) => model.tokenize(text, false),
      repository: undefined,
    };
    this.all = repository.files.flatMap((file) =>
      chunkFile(tokenizer, file.path, file.text, { chunkTokens: tokens }).map((chunk) => ({ path: file.path, chunk })),
    );
    for (const [i, one] of this.all.entries()) {
      this.#index.add(i, `${one.path}\n${one.chunk.text}`);
    }
  }

  static snippets(bench: OpenModel, repository: CorpusRepository): SearchableChunks {
    return new SearchableChunks(bench, repository, snippetTokens);
  }

  get tokens(): number {
    return this.all.reduce((sum, { chunk }) => sum + chunk.tokens.length, 0);
  }

  /** The BM25 score of each chunk, in their order. */
  scores(topic: Topic): number[] {
    const scores = this.#index.scores(termsOf(topic));
    return this.all.map((_, i) => scores.get(i) ?? 0);
  }

  /** Scores as in a request of the product: by lines near the cursor, raised for files that the document imports. */
  relevance({ file, offset, prompt }: Place): number[] {
    const document = file.text.slice(0, offset);
    const imported = new Set(importsOf({ path: file.path, text: document }, this.#root, this.#files));
    return raiseImported(
      this.scores({ before: prompt.tailText, after: '', document }),
      this.all.map(({ path: own }) => imported.has(own)),
    );
  }

  /** All chunks except those of the edited file. @param scores of each chunk, in their order */
  snippetsBeside(file: string, scores: readonly number[]): Snippet[] {
    return this.all.flatMap(({ path: own, chunk }, i) =>
      own === file ? [] : [{ tokens: chunk.tokens, score: scores[i] ?? 0 }],
    );
  }
}

interface Source {
  readonly tokens: Int32Array;
  readonly address: string;
  readonly file: string;
}

const chunksAtOnce = 8;

/** Encodes chunks, or opens those that an earlier run encoded. */
export class ChunkPool {
  readonly #encoder: NativeEncoder;
  readonly #folder: string;
  readonly #key: string;

  /** @param key everything that the encoder was made from: model, anchor, row type, calibration */
  constructor(encoder: NativeEncoder, folder: string, key: string) {
    this.#encoder = encoder;
    this.#folder = folder;
    this.#key = key;
  }

  /**
   * Answers them in the order of the chunks given.
   * @throws EngineError CANCELLED, OUT_OF_MEMORY
   */
  async ready(
    chunks: readonly FileChunk[],
    signal: AbortSignal,
    onProgress: (tokens: number) => void,
  ): Promise<NativeChunk[]> {
    await mkdir(this.#folder, { recursive: true });
    const sources = chunks.map(({ chunk: { tokens } }): Source => {
      const address = createHash('sha256')
        .update(this.#key)
        .update(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength))
        .digest('hex')
        .slice(0, 40);
      return { tokens, address, file: path.join(this.#folder, `${address}.kv`) };
    });
    const ready = new Map<Source, NativeChunk>();
    let done = 0;
    for (const source of sources) {
      const opened = await this.#open(source, signal);
      if (opened !== undefined) {
        ready.set(source, opened);
        done += source.tokens.length;
      }
    }
    onProgress(done);
    const missing = sources.filter((source) => !ready.has(source));
    for (let i = 0; i < missing.length; i += chunksAtOnce) {
      const group = missing.slice(i, i + chunksAtOnce);
      const before = done;
      const task = this.#encoder.encode(group, { priority: 0 }, (tokens) => onProgress(before + tokens));
      for (const [k, chunk] of (await cancellable(task, signal)).entries()) {
        const source = group[k];
        if (source !== undefined) {
          ready.set(source, chunk);
          done += source.tokens.length;
        }
      }
      onProgress(done);
    }
    return sources.flatMap((source) => ready.get(source) ?? []);
  }

  async #open({ file, address }: Source, signal: AbortSignal): Promise<NativeChunk | undefined> {
    try {
      return await cancellable(this.#encoder.open(file, address, { priority: 0 }), signal);
    } catch (error) {
      const { code } = toEngineError(error);
      if (code === 'FILE_NOT_FOUND' || code === 'BAD_CHUNK') {
        return undefined;
      }
      throw error;
    }
  }
}
