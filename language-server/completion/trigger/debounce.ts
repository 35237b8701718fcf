/**
 * The debounce: how long to wait after a key press before decoding for it. `TypingPace` owns the rhythm of the keys, and
 * nothing else of what the user did (see shown-suggestions.ts).
 */

/** Longer gaps are pauses to think, and say nothing about the pace. */
const maxGapMs = 1000;
const firstGuessMs = 200;
/** Weight of the newest gap in the moving average. */
const weight = 0.2;
const maxWaitMs = 400;

export class TypingPace {
  #paceMs = firstGuessMs;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** @param now when a key was pressed, in milliseconds of one clock */
  typed(now: number): void {
    const gap = now - this.#lastAt;
    this.#lastAt = now;
    if (gap > 0 && gap <= maxGapMs) {
      this.#paceMs += weight * (gap - this.#paceMs);
    }
  }

  /** Mean time between two keys of a burst, in milliseconds. */
  get milliseconds(): number {
    return this.#paceMs;
  }

  /** Whether the next key is likely to follow soon. */
  isTyping(now: number): boolean {
    return now - this.#lastAt <= 2 * this.#paceMs;
  }
}

/**
 * Decoding that the next key would throw away is not begun: where an answer takes longer than the gap between two keys, the
 * wait is a little longer than that gap. A model that answers between two keys is asked at once.
 * @param answerMs how long an answer takes, as measured; undefined: not measured yet
 * @returns milliseconds
 */
export function debounceMs(pace: TypingPace, answerMs: number | undefined, now: number): number {
  if (!pace.isTyping(now)) {
    return 0;
  }
  const gap = pace.milliseconds;
  return answerMs !== undefined && answerMs < gap ? 0 : Math.min(maxWaitMs, gap * 1.25);
}
