/** Counts what completions cost: observes a server's answers and the generations of its engine from outside. */

import type { CompletionAnswer } from '../../language-server/completion/inline-completion';
import type { Engine, Generation, GenerationRequest } from '../../language-server/engine/engine';

/** The request that the counting server answers with its {@link CompletionCounts}. */
export const completionCountsRequest = 'bench/completionCounts';

export interface CompletionCounts {
  readonly requests: number;
  /** Answered without the model. */
  readonly fromCache: number;
  /** Answered with nothing, since nothing should be offered at such a place. */
  readonly skipped: number;
  readonly cancelled: number;
  /** Not done within their time budget. */
  readonly late: number;
  /** Over all generations, also those that were cancelled: tokens prefilled, and tokens decoded. */
  readonly fedTokens: number;
  readonly decodedTokens: number;
  /** Prefilled or decoded after their request was cancelled, over all requests. */
  readonly tokensAfterCancel: number;
  /** For each cancel that met a running or queued generation: milliseconds until the generation ended. */
  readonly cancelToIdleMs: readonly number[];
}

const maxTimes = 10_000;

export class CompletionCounter {
  readonly #answers = new Map<CompletionAnswer, number>();
  #fedTokens = 0;
  #decodedTokens = 0;
  #tokensAfterCancel = 0;
  readonly #cancelToIdleMs: number[] = [];

  answered(answer: CompletionAnswer): void {
    this.#answers.set(answer, this.#count(answer) + 1);
  }

  /** @returns the same engine; from now on its generations for completions are counted */
  observe(engine: Engine): Engine {
    const generate = engine.generate.bind(engine);
    return Object.assign(engine, {
      generate: (request: GenerationRequest) =>
        request.sequence === 'inline' ? this.#counted(engine, request, generate) : generate(request),
    });
  }

  get counts(): CompletionCounts {
    return {
      requests: [...this.#answers.values()].reduce((sum, count) => sum + count, 0),
      fromCache: this.#count('cache'),
      skipped: this.#count('skipped'),
      cancelled: this.#count('cancelled'),
      late: this.#count('late'),
      fedTokens: this.#fedTokens,
      decodedTokens: this.#decodedTokens,
      tokensAfterCancel: this.#tokensAfterCancel,
      cancelToIdleMs: this.#cancelToIdleMs,
    };
  }

  #count(answer: CompletionAnswer): number {
    return this.#answers.get(answer) ?? 0;
  }

  async #counted(
    engine: Engine,
    request: GenerationRequest,
    generate: (request: GenerationRequest) => Promise<Generation>,
  ): Promise<Generation> {
    const { signal } = request;
    let abortedAt: number | undefined;
    let cached = 0;
    let fed = 0;
    let decoded = 0;
    const onAbort = () => {
      abortedAt = performance.now();
      cached = engine.usage('inline').tokens;
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const generation = await generate({
        ...request,
        onProgress: (tokens, total) => {
          fed = tokens;
          request.onProgress?.(tokens, total);
        },
        onText: (delta, whole) => {
          decoded++;
          return request.onText?.(delta, whole) ?? 'continue';
        },
      });
      ({ fedTokens: fed, decodedTokens: decoded } = generation.stats);
      return generation;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#fedTokens += fed;
      this.#decodedTokens += decoded;
      if (abortedAt !== undefined) {
        this.#tokensAfterCancel += Math.max(0, engine.usage('inline').tokens - cached);
        if (this.#cancelToIdleMs.length < maxTimes) {
          this.#cancelToIdleMs.push(performance.now() - abortedAt);
        }
      }
    }
  }
}
