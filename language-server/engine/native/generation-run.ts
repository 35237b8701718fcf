/**
 * One generation on a native context. It can step aside for a more urgent one: its task is cancelled (the KV keeps
 * what was fed) and queued again behind it with the tokens so far, so that a long answer never delays a completion.
 */

import { EngineError, throwIfAborted, toEngineError } from '../../base/errors';
import { TextStream } from '../../base/text';
import type { Generation, GenerationRequest, RetrievedChunk } from '../engine';
import type { NativeContext, NativeModel, NativeTask } from './addon';
import type { NativeGenerateOptions, NativeGenerationResult } from './addon-generation';
import type { NativeRepositoryEngine } from './native-repository';
import { concatenate } from './token-parts';

type Fixed = Pick<NativeGenerateOptions, 'attention' | 'budget' | 'fasaFromTokens' | 'priority'>;

/** Whose chunks a run reads. */
type ChunkReader = Pick<NativeRepositoryEngine, 'retrieved' | 'intact'>;

export class GenerationRun {
  readonly #context: NativeContext;
  readonly #model: NativeModel;
  readonly #request: GenerationRequest;
  readonly #fixed: Fixed;
  readonly #stopTokens: readonly number[];
  readonly #reader: ChunkReader | undefined;
  #chunks: readonly RetrievedChunk[];
  readonly #text = new TextStream();
  readonly #started = performance.now();
  #generated: number[] = [];
  #task: NativeTask<NativeGenerationResult> | undefined;
  #firstTokenMs: number | undefined;
  #steppingAside = false;
  #stopped = false;
  #failure: unknown;

  constructor(
    context: NativeContext,
    model: NativeModel,
    request: GenerationRequest,
    fixed: Fixed,
    reader?: ChunkReader,
  ) {
    this.#reader = reader;
    this.#chunks = reader === undefined ? [] : (request.repository ?? []);
    this.#context = context;
    this.#model = model;
    this.#request = request;
    this.#fixed = fixed;
    this.#stopTokens = [...new Set([...model.info.tokens.endOfGeneration, ...(request.stopTokens ?? [])])];
  }

  /** Lets what is queued with a higher priority run now. Call it after queueing that. */
  stepAside(): void {
    if (this.#task !== undefined && !this.#stopped) {
      this.#steppingAside = true;
      this.#task.cancel();
    }
  }

  /** @throws EngineError */
  async run(): Promise<Generation> {
    const { signal } = this.#request;
    const abort = () => this.#task?.cancel();
    signal?.addEventListener('abort', abort);
    try {
      for (;;) {
        throwIfAborted(signal);
        const result = await this.#slice();
        if (result !== undefined) {
          return result;
        }
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#task = undefined;
    }
  }

  /** One task of the engine thread; undefined when it stepped aside and must be queued again. */
  async #slice(): Promise<Generation | undefined> {
    const request = this.#request;
    this.#steppingAside = false;
    const repository = this.#chunks.length === 0 ? undefined : this.#reader?.retrieved(this.#chunks);
    this.#task = this.#context.generate(
      {
        ...this.#fixed,
        ...(repository === undefined ? {} : { repository }),
        tokens: concatenate([request.tokens, this.#generated]),
        maxTokens: request.maxTokens - this.#generated.length,
        sampling: { ...request.sampling, seed: request.sampling.seed + this.#generated.length },
        stopTokens: this.#stopTokens,
        ...(request.countAttention === true ? { countAttention: true } : {}),
      },
      {
        onProgress: (fed, total) => request.onProgress?.(fed, total),
        onToken: (token) => this.#onToken(token),
      },
    );
    try {
      const result = await this.#task.promise;
      this.#rethrow();
      // a short generation may end before its cancellation reaches the engine's thread
      throwIfAborted(request.signal);
      return this.#finish(result);
    } catch (error) {
      this.#rethrow();
      const failure = toEngineError(error);
      const mayGoOn = failure.code === 'CANCELLED' ? this.#steppingAside : failure.code === 'BAD_CHUNK' && this.#lose();
      if (mayGoOn && request.signal?.aborted !== true && this.#generated.length < request.maxTokens) {
        return undefined;
      }
      throw failure;
    }
  }

  /** Goes on without the chunks whose files were cut short. @returns whether there were any */
  #lose(): boolean {
    const chunks = this.#reader?.intact(this.#chunks) ?? this.#chunks;
    const lost = chunks.length < this.#chunks.length;
    this.#chunks = chunks;
    return lost;
  }

  #onToken(token: number): void {
    // tokens that were decoded before stop() took effect are not part of the answer
    if (this.#stopped || this.#failure !== undefined || this.#request.signal?.aborted === true) {
      return;
    }
    this.#firstTokenMs ??= performance.now() - this.#started;
    this.#generated.push(token);
    try {
      const delta = this.#text.push(this.#model.tokenBytes(token));
      if (delta !== '' && this.#request.onText?.(delta, this.#text.whole) === 'stop') {
        this.#stopped = true;
        this.#task?.stop();
      }
    } catch (error) {
      // an exception must not travel into the addon
      this.#failure = error;
      this.#task?.cancel();
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) {
      throw toEngineError(this.#failure);
    }
  }

  /** Attention is that of the last slice: one that is cancelled to step aside counts nothing. */
  #finish({ reason, stats, chunkAttention, ownAttention }: NativeGenerationResult): Generation {
    return {
      text: this.#text.whole,
      tokens: this.#generated.length,
      reason: this.#stopped ? 'stopped' : reason,
      stats: { ...stats, firstTokenMs: this.#firstTokenMs ?? stats.firstTokenMs },
      ...(this.#request.countAttention === true
        ? {
            attention: {
              chunks: this.#chunks.map(({ chunk }, i) => ({
                chunk,
                shares: chunkAttention?.[i] ?? new Float32Array(),
              })),
              own: ownAttention ?? new Float32Array(),
            },
          }
        : {}),
    };
  }
}

/** @throws EngineError CONTEXT_FULL, naming both sizes */
export function checkFits(tokens: number, contextTokens: number): void {
  if (tokens >= contextTokens) {
    throw new EngineError('CONTEXT_FULL', `The prompt has ${tokens} tokens and the context holds ${contextTokens}.`);
  }
}
