/** Texts as tokens within a limit: whole, or cut at a line and said to be, or left out and said to be. */

import { toLf, wellFormed } from '../base/text';
import type { Engine } from '../engine/engine';

export interface TextToFit {
  /** The line in front: what the text is. */
  readonly head: string;
  readonly text: string;
}

interface Fitted {
  /** Empty when it is left out. */
  readonly tokens: Int32Array;
  /** What of the text is among them, LF line ends. */
  readonly text: string;
  /** Of the whole. */
  readonly wholeTokens: number;
}

/** A part of a text is worth its place from so many tokens on. */
const minPart = 48;
/** No text is tokenized beyond this; what is longer counts as this long at least. */
const maxChars = 512 * 1024;
const maxCached = 64;

export class TextFitter {
  readonly #whole = new Map<string, Int32Array>();

  clear(): void {
    this.#whole.clear();
  }

  fit(engine: Engine, { head, text }: TextToFit, left: number): Fitted {
    const clean = wellFormed(toLf(text.slice(0, maxChars)));
    const whole = this.#tokens(engine, `${head}\n${clean}${clean.endsWith('\n') ? '' : '\n'}`);
    if (whole.length <= left && text.length <= maxChars) {
      return { tokens: whole, text: clean, wholeTokens: whole.length };
    }
    const charsPerToken = clean.length / Math.max(1, whole.length);
    for (let share = 0.97; left >= minPart && share > 0.3; share *= 0.8) {
      const cut = cutAtLine(clean, Math.floor(left * charsPerToken * share));
      const tokens = cut === '' ? undefined : engine.tokenize(`${head}\n${cut}`);
      if (tokens !== undefined && tokens.length <= left) {
        return { tokens, text: cut, wholeTokens: whole.length };
      }
    }
    return { tokens: new Int32Array(), text: '', wholeTokens: whole.length };
  }

  #tokens(engine: Engine, text: string): Int32Array {
    const cached = this.#whole.get(text);
    if (cached !== undefined) {
      return cached;
    }
    const tokens = engine.tokenize(text);
    const oldest = this.#whole.keys().next();
    if (this.#whole.size >= maxCached && oldest.done !== true) {
      this.#whole.delete(oldest.value);
    }
    this.#whole.set(text, tokens);
    return tokens;
  }
}

/** Whole lines of at most so many characters; '' where not even the first fits. */
function cutAtLine(text: string, chars: number): string {
  return chars >= text.length ? text : text.slice(0, text.lastIndexOf('\n', chars) + 1);
}
