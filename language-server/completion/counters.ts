/** What completions did since the server started, and what went on after a cancel: `bench completion` reads it. */

import type { Engine } from '../engine/engine';
import type { NativeGenerationStats } from '../engine/native/addon-generation';
import type { CompletionCounts } from '../protocol/server';

/** Cancels kept for their times. */
const maxTimes = 10_000;

/** Of one generation. */
export interface Watch {
  onProgress(fedTokens: number): void;
  onText(): void;
  /** @param cameToItsEnd it was counted by its statistics */
  end(cameToItsEnd: boolean): void;
}

export class CompletionCounters {
  #requests = 0;
  #fromCache = 0;
  #silent = 0;
  #cancelled = 0;
  #late = 0;
  #fedTokens = 0;
  #decodedTokens = 0;
  #tokensAfterCancel = 0;
  #cancelToIdleMs: number[] = [];

  request(): void {
    this.#requests++;
  }

  note(what: 'fromCache' | 'silent' | 'cancelled' | 'late'): void {
    switch (what) {
      case 'fromCache':
        this.#fromCache++;
        break;
      case 'silent':
        this.#silent++;
        break;
      case 'cancelled':
        this.#cancelled++;
        break;
      case 'late':
        this.#late++;
    }
  }

  noteGeneration(stats: NativeGenerationStats): void {
    this.#fedTokens += stats.fedTokens;
    this.#decodedTokens += stats.decodedTokens;
  }

  /**
   * Around one generation: what it did when it was cancelled, and, from the abort of its signal to its end, the time and the
   * tokens that still came into the KV.
   */
  watch(engine: Engine, signal: AbortSignal): Watch {
    let abortedAt: number | undefined;
    let cached = 0;
    let fed = 0;
    let decoded = 0;
    const aborted = () => {
      abortedAt = performance.now();
      cached = engine.usage('inline').tokens;
    };
    signal.addEventListener('abort', aborted, { once: true });
    return {
      onProgress: (tokens) => {
        fed = tokens;
      },
      onText: () => {
        decoded++;
      },
      end: (cameToItsEnd) => {
        signal.removeEventListener('abort', aborted);
        if (!cameToItsEnd) {
          this.#fedTokens += fed;
          this.#decodedTokens += decoded;
        }
        if (abortedAt !== undefined) {
          this.#tokensAfterCancel += Math.max(0, engine.usage('inline').tokens - cached);
          if (this.#cancelToIdleMs.length < maxTimes) {
            this.#cancelToIdleMs.push(performance.now() - abortedAt);
          }
        }
      },
    };
  }

  get counts(): CompletionCounts {
    return {
      requests: this.#requests,
      fromCache: this.#fromCache,
      silent: this.#silent,
      cancelled: this.#cancelled,
      late: this.#late,
      fedTokens: this.#fedTokens,
      decodedTokens: this.#decodedTokens,
      tokensAfterCancel: this.#tokensAfterCancel,
      cancelToIdleMs: this.#cancelToIdleMs,
    };
  }
}
