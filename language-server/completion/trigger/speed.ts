/** How fast the model is here, measured from requests: what is worth feeding and how long an answer takes follow from it. */

import type { NativeGenerationStats } from '../../engine/native/addon-generation';

const weight = 0.3;
/** Fewer tokens say more about the request's fixed costs than about feeding. */
const minFedTokens = 8;
/** Tokens of a line of code. */
const usualTokens = 12;
/** What feeding the text after the cursor may take, again for each key: it stands behind what is typed. */
const suffixMs = 250;
const minSuffixTokens = 32;
const [minPiece, maxPiece] = [16, 4096];
/** The engine feeds no more at once; a cancel loses that much at most. */
const microBatch = 128;

export class MeasuredSpeed {
  #feedMsPerToken: number | undefined;
  #decodeMsPerToken: number | undefined;
  #keyFedTokens = 8;
  #pieceTokens = maxPiece;

  note(stats: NativeGenerationStats): void {
    if (stats.fedTokens >= minFedTokens && stats.prefillMs > 0) {
      this.#feedMsPerToken = blend(this.#feedMsPerToken, stats.prefillMs / stats.fedTokens);
    }
    // the first token comes out of the prefill
    if (stats.decodedTokens > 1 && stats.decodeMs > 0) {
      this.#decodeMsPerToken = blend(this.#decodeMsPerToken, stats.decodeMs / (stats.decodedTokens - 1));
    }
    this.#keyFedTokens = blend(this.#keyFedTokens, Math.min(stats.fedTokens, 512));
  }

  get feedMsPerToken(): number | undefined {
    return this.#feedMsPerToken;
  }

  get decodeMsPerToken(): number | undefined {
    return this.#decodeMsPerToken;
  }

  /** Of a usual line; undefined until something was decoded. */
  get answerMs(): number | undefined {
    if (this.#decodeMsPerToken === undefined) {
      return undefined;
    }
    return usualTokens * this.#decodeMsPerToken + this.#keyFedTokens * (this.#feedMsPerToken ?? 0);
  }

  /** Tokens to feed at a time, so that a key that comes meanwhile throws little away: all, until keys do. */
  get pieceTokens(): number {
    return this.#pieceTokens;
  }

  /** A piece was cancelled before it was fed: smaller ones get through where this one does not. */
  pieceCancelled(): void {
    this.#pieceTokens = Math.max(minPiece, Math.floor(Math.min(microBatch, this.#pieceTokens) / 2));
  }

  pieceFed(): void {
    this.#pieceTokens = Math.min(maxPiece, this.#pieceTokens * 2);
  }

  /**
   * Most tokens after the cursor that a prompt should have: a power of two, so that it rarely changes.
   * @param most what the tail allows
   */
  suffixTokens(most: number): number {
    if (this.#feedMsPerToken === undefined) {
      return most;
    }
    const affordable = Math.max(minSuffixTokens, suffixMs / this.#feedMsPerToken);
    return Math.min(most, 2 ** Math.floor(Math.log2(affordable)));
  }
}

function blend(before: number | undefined, now: number): number {
  return before === undefined ? now : before + weight * (now - before);
}
