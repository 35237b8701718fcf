/** How fast the user types, and how long to wait after a keystroke before decoding for it. */

/** Longer gaps are pauses to think, not typing. */
const longestGapMs = 1000;
const firstGuessMs = 200;
/** Weight of the newest gap. */
const weight = 0.2;
const longestWaitMs = 400;

export class TypingPace {
  #paceMs = firstGuessMs;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** A key was pressed. @param now milliseconds */
  typed(now: number): void {
    const gap = now - this.#lastAt;
    this.#lastAt = now;
    if (gap > 0 && gap <= longestGapMs) {
      this.#paceMs += weight * (gap - this.#paceMs);
    }
  }

  /** Mean time between two keys of a burst. */
  get milliseconds(): number {
    return this.#paceMs;
  }

  /** Whether the next key may be about to come. */
  isTyping(now: number): boolean {
    return now - this.#lastAt <= 2 * this.#paceMs;
  }
}

/**
 * Decoding that the next key would throw away is not begun: where an answer takes longer than a key, the wait is as long
 * as the next key of a burst would take. A model that answers between two keys is asked at once.
 * @param answerMs how long an answer takes here, as measured; undefined: not known yet
 */
export function debounceMs(pace: TypingPace, answerMs: number | undefined, now: number): number {
  if (!pace.isTyping(now)) {
    return 0;
  }
  const gap = pace.milliseconds;
  return answerMs !== undefined && answerMs < gap ? 0 : Math.min(longestWaitMs, gap * 1.25);
}
