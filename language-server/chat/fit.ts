/** Fits texts into a limit of tokens: whole, cut at the end of a line, or left out. The result says which. */

import { toLf, wellFormed } from '../base/text';
import type { Engine } from '../engine/engine';

export interface TextToFit {
  /** The heading line, which says what the text is. */
  readonly head: string;
  readonly text: string;
}

interface Fitted {
  /** Empty when the text is left out. */
  readonly tokens: Int32Array;
  /** The part of the text that the tokens stand for, with LF line endings. */
  readonly text: string;
  /** The tokens of the whole text. */
  readonly wholeTokens: number;
}

/** A shorter part of a text is not worth its place. */
const minPartTokens = 48;
/** No more of a text is tokenized, so the count of a longer text is a lower bound. */
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
    for (let share = 0.97; left >= minPartTokens && share > 0.3; share *= 0.8) {
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

/** The whole lines that fit into so many characters; '' where not even the first one does. */
function cutAtLine(text: string, chars: number): string {
  return chars >= text.length ? text : text.slice(0, text.lastIndexOf('\n', chars) + 1);
}
