/** How far the encoding of the pending chunks is, and how fast it goes. */

import type { RepositoryStatus } from '../../protocol/server';
import type { ContextChunk } from './context-chunk';

export type EncodingFigures = NonNullable<RepositoryStatus['encoding']>;

/** Share of each new reading in the speed that is shown. */
const speedShare = 0.3;

export class EncodingProgress {
  #isOn = false;
  #filesDone = 0;
  #tokensDone = 0;
  #tokensRunning = 0;
  #tokensPerSecond: number | undefined;

  /** The speed, measured over the batches so far. */
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

  /** No chunk is pending any more, or the lane may not go on: the next progress is counted from zero. */
  end(): void {
    this.#isOn = false;
    this.#filesDone = 0;
    this.#tokensDone = 0;
    this.#tokensRunning = 0;
  }

  /** So many tokens of the running batch are done. */
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

  /** @param waiting chunks that are not encoded, those of the running batch included */
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
