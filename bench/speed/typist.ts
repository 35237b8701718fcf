/** A person at the keyboard, by numbers: which keys come after which pause. The same seed, the same person. */

interface Key {
  /** Before it, in milliseconds. */
  readonly pauseMs: number;
  /** A character, or the key that takes the last one back. */
  readonly key: string | 'backspace';
}

/** Median gap of a practised typist; gaps spread as a log-normal does (sigma of its logarithm). */
const medianGapMs = 160;
const sigma = 0.45;
/** Before a new line one thinks. */
const lineThoughtMs = 700;
const typoShare = 0.02;

/** Mulberry32: small, and the same everywhere. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Typist {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = random(seed);
  }

  /** Keys for the next character: only that one, or a typo first that is noticed one key later and removed. */
  keysFor(next: string, before: string): Key[] {
    const first = { pauseMs: this.#gap() + (before === '\n' ? lineThoughtMs : 0), key: next };
    if (/[a-z]/.test(next) && this.#random() < typoShare) {
      const slip = String.fromCharCode(97 + Math.floor(this.#random() * 26));
      return [
        { ...first, key: slip },
        { pauseMs: this.#gap() * 1.5, key: 'backspace' },
        { pauseMs: this.#gap(), key: next },
      ];
    }
    return [first];
  }

  /** A whole number from 0 to below `count`. */
  choose(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #gap(): number {
    // Box and Muller: two even numbers to a normal one
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random()));
    return medianGapMs * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.#random()));
  }
}
