/** How fast the model is on this machine, measured from requests. It decides how much of a prompt is worth its prefill. */

import type { NativeGenerationStats } from '../../engine/native/addon';

const weight = 0.3;
/** Fewer tokens say more about the fixed costs of a request than about prefill. */
const minPromptTokens = 8;
/** Tokens of a usual line of code. */
const usualTokens = 12;
/** Prefilling the text after the cursor may take so long: it comes after what is typed, so every key prefills it again. */
const suffixMs = 250;
const minSuffixTokens = 32;
const [minBatch, maxBatch] = [16, 4096];
/** The engine prefills no more tokens at once, so a cancel loses that many at most. */
const microBatch = 128;

export class MeasuredSpeed {
  #prefillMsPerToken: number | undefined;
  #decodeMsPerToken: number | undefined;
  #keyPromptTokens = 8;
  #batchTokens = maxBatch;

  note(stats: NativeGenerationStats): void {
    if (stats.fedTokens >= minPromptTokens && stats.prefillMs > 0) {
      this.#prefillMsPerToken = blend(this.#prefillMsPerToken, stats.prefillMs / stats.fedTokens);
    }
    // the prefill yields the first token
    if (stats.decodedTokens > 1 && stats.decodeMs > 0) {
      this.#decodeMsPerToken = blend(this.#decodeMsPerToken, stats.decodeMs / (stats.decodedTokens - 1));
    }
    this.#keyPromptTokens = blend(this.#keyPromptTokens, Math.min(stats.fedTokens, 512));
  }

  get prefillMsPerToken(): number | undefined {
    return this.#prefillMsPerToken;
  }

  get decodeMsPerToken(): number | undefined {
    return this.#decodeMsPerToken;
  }

  /** How long a usual line takes, in milliseconds; undefined until something was decoded. */
  get answerMs(): number | undefined {
    if (this.#decodeMsPerToken === undefined) {
      return undefined;
    }
    return usualTokens * this.#decodeMsPerToken + this.#keyPromptTokens * (this.#prefillMsPerToken ?? 0);
  }

  /** How many tokens to prefill at a time, so that a key that is pressed meanwhile throws little away. */
  get prefillBatchTokens(): number {
    return this.#batchTokens;
  }

  /** A batch was cancelled before it was done: smaller ones get through. */
  batchCancelled(): void {
    this.#batchTokens = Math.max(minBatch, Math.floor(Math.min(microBatch, this.#batchTokens) / 2));
  }

  batchDone(): void {
    this.#batchTokens = Math.min(maxBatch, this.#batchTokens * 2);
  }

  /**
   * How many tokens after the cursor a prompt should have at most: a power of two, so that the number rarely changes.
   * @param max what the length of the prompt allows
   */
  suffixTokens(max: number): number {
    if (this.#prefillMsPerToken === undefined) {
      return max;
    }
    const affordable = Math.max(minSuffixTokens, suffixMs / this.#prefillMsPerToken);
    return Math.min(max, 2 ** Math.floor(Math.log2(affordable)));
  }
}

function blend(before: number | undefined, now: number): number {
  return before === undefined ? now : before + weight * (now - before);
}
