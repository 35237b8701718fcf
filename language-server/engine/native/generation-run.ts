/**
 * One generation on a native context. More urgent work preempts it: the KV keeps what was prefilled, and the generation
 * goes on with the tokens so far, so that a long answer never delays a completion.
 */

import { EngineError, throwIfAborted, toEngineError } from '../../base/errors';
import { TextStream } from '../../base/text';
import type { Generation, GenerationRequest, RetrievedChunk } from '../engine';
import { PreemptibleTask } from '../preemptible-task';
import type { NativeContext, NativeGenerateOptions, NativeGenerationResult, NativeModel, NativeTask } from './addon';
import type { NativeChunkEncoder } from './native-chunk-encoder';
import { concatenate } from './token-parts';

type Fixed = Pick<NativeGenerateOptions, 'attention' | 'budget' | 'fasaFromTokens' | 'priority'>;

/** The encoder whose chunks a run reads. */
type ChunkReader = Pick<NativeChunkEncoder, 'retrieved' | 'intact'>;

export class GenerationRun {
  readonly #context: NativeContext;
  readonly #model: NativeModel;
  readonly #request: GenerationRequest;
  readonly #fixed: Fixed;
  readonly #stopTokens: readonly number[];
  readonly #reader: ChunkReader | undefined;
  #chunks: readonly RetrievedChunk[];
  readonly #task: PreemptibleTask<NativeGenerationResult, NativeTask<NativeGenerationResult>>;
  readonly #text = new TextStream();
  readonly #started = performance.now();
  #generated: number[] = [];
  #firstTokenMs: number | undefined;
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
    this.#chunks = reader === undefined ? [] : (request.chunks ?? []);
    this.#context = context;
    this.#model = model;
    this.#request = request;
    this.#fixed = fixed;
    this.#stopTokens = [...new Set([...model.info.tokens.endOfGeneration, ...(request.stopTokens ?? [])])];
    this.#task = new PreemptibleTask({
      signal: request.signal,
      start: () => this.#start(),
      mayRestart: () => this.#failure === undefined && this.#generated.length < request.maxTokens,
      recover: (failure) => failure.code === 'BAD_CHUNK' && this.#dropLostChunks(),
    });
  }

  /** Makes way for what is queued with a higher priority. */
  preempt(): void {
    if (!this.#stopped) {
      this.#task.preempt();
    }
  }

  /** @throws EngineError */
  async run(): Promise<Generation> {
    try {
      const result = await this.#task.run();
      this.#rethrow();
      // a short generation may end before its cancellation reaches the engine's thread
      throwIfAborted(this.#request.signal);
      return this.#finish(result);
    } catch (error) {
      this.#rethrow();
      throw toEngineError(error);
    }
  }

  /** Queues the rest of the generation: the prompt with the tokens so far. */
  #start(): NativeTask<NativeGenerationResult> {
    const request = this.#request;
    const repository = this.#chunks.length === 0 ? undefined : this.#reader?.retrieved(this.#chunks);
    return this.#context.generate(
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
  }

  /** Goes on without the chunks whose files were cut short. @returns whether there were any */
  #dropLostChunks(): boolean {
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
        this.#task.current?.stop();
      }
    } catch (error) {
      // an exception must not travel into the addon
      this.#failure = error;
      this.#task.current?.cancel();
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) {
      throw toEngineError(this.#failure);
    }
  }

  /** The attention is that of the last task: a task that was preempted counts nothing. */
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
