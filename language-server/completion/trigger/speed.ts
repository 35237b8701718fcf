/** How fast the model is here, measured from requests: what is worth feeding and how long an answer takes follow from it. */

import type { NativeGenerationStats } from '../../engine/native/addon';

const weight = 0.3;
/** Fewer tokens say more about the request's fixed costs than about feeding. */
const minPromptTokens = 8;
/** Tokens of a line of code. */
const usualTokens = 12;
/** What feeding the text after the cursor may take, again for each key: it stands behind what is typed. */
const suffixMs = 250;
const minSuffixTokens = 32;
const [minBatch, maxBatch] = [16, 4096];
/** The engine feeds no more at once; a cancel loses that much at most. */
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
    // the first token comes out of the prefill
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

  /** Of a usual line; undefined until something was decoded. */
  get answerMs(): number | undefined {
    if (this.#decodeMsPerToken === undefined) {
      return undefined;
    }
    return usualTokens * this.#decodeMsPerToken + this.#keyPromptTokens * (this.#prefillMsPerToken ?? 0);
  }

  /** Tokens to feed at a time, so that a key that comes meanwhile throws little away: all, until keys do. */
  get prefillBatchTokens(): number {
    return this.#batchTokens;
  }

  /** A piece was cancelled before it was fed: smaller ones get through where this one does not. */
  batchCancelled(): void {
    this.#batchTokens = Math.max(minBatch, Math.floor(Math.min(microBatch, this.#batchTokens) / 2));
  }

  batchDone(): void {
    this.#batchTokens = Math.min(maxBatch, this.#batchTokens * 2);
  }

  /**
   * Most tokens after the cursor that a prompt should have: a power of two, so that it rarely changes.
   * @param most what the tail allows
   */
  suffixTokens(most: number): number {
    if (this.#prefillMsPerToken === undefined) {
      return most;
    }
    const affordable = Math.max(minSuffixTokens, suffixMs / this.#prefillMsPerToken);
    return Math.min(most, 2 ** Math.floor(Math.log2(affordable)));
  }
}

function blend(before: number | undefined, now: number): number {
  return before === undefined ? now : before + weight * (now - before);
}
