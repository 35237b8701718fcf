/** How far the encoding of what was wanted is, and how fast it went. */

import type { RepositoryStatus } from '../../protocol/server';
import type { ContextChunk } from './context-chunk';

export type EncodingFigures = NonNullable<RepositoryStatus['encoding']>;

/** Of each new reading in the speed that is shown. */
const speedShare = 0.3;

export class EncodingProgress {
  #isOn = false;
  #filesDone = 0;
  #tokensDone = 0;
  #tokensRunning = 0;
  #tokensPerSecond: number | undefined;

  /** Measured over the batches so far. */
  get tokensPerSecond(): number | undefined {
    return this.#tokensPerSecond;
  }

  /** Another engine has another speed. */
  forgetSpeed(): void {
    this.#tokensPerSecond = undefined;
  }

  begin(): void {
    this.#isOn = true;
  }

  /** Nothing waits any more, or nothing may be done: the next time is counted anew. */
  end(): void {
    this.#isOn = false;
    this.#filesDone = 0;
    this.#tokensDone = 0;
    this.#tokensRunning = 0;
  }

  /** So many tokens of the batch that runs are done. */
  running(tokens: number): void {
    this.#tokensRunning = tokens;
  }

  done(tokens: number, files: number, milliseconds: number): void {
    const speed = tokens / Math.max(1e-3, milliseconds / 1000);
    this.#tokensPerSecond = (this.#tokensPerSecond ?? speed) * (1 - speedShare) + speed * speedShare;
    this.#tokensRunning = 0;
    this.#tokensDone += tokens;
    this.#filesDone += files;
  }

  /** @param waiting chunks that are not encoded, those of the batch that runs included */
  figures(waiting: readonly ContextChunk[]): EncodingFigures | undefined {
    if (!this.#isOn) {
      return undefined;
    }
    const all = waiting.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
    const tokensLeft = Math.max(0, all - this.#tokensRunning);
    const tokensDone = this.#tokensDone + this.#tokensRunning;
    return {
      filesDone: this.#filesDone,
      files: this.#filesDone + new Set(waiting.map((chunk) => chunk.path)).size,
      tokensDone,
      tokens: tokensDone + tokensLeft,
      ...(this.#tokensPerSecond === undefined ? {} : { secondsLeft: Math.ceil(tokensLeft / this.#tokensPerSecond) }),
    };
  }
}
