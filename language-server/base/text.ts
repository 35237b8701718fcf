/** Small helpers for text that several parts use. */

/** Replaces lone surrogates by U+FFFD, one for one, so that offsets stay. Tokenizers only take well-formed text. */
export function wellFormed(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text, 'utf8').toString('utf8') : text;
}

/** Models are trained on LF. */
export function toLf(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** The width of an indent in columns, where a tab counts as four. */
export function indentWidth(line: string): number {
  let width = 0;
  for (const char of indentOf(line)) {
    width += char === '\t' ? 4 : 1;
  }
  return width;
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Whether the characters occur in the text in this order, possibly with others between them. */
export function hasInOrder(text: string, chars: Iterable<string>): boolean {
  let at = 0;
  for (const char of chars) {
    const found = text.indexOf(char, at);
    if (found === -1) {
      return false;
    }
    at = found + 1;
  }
  return true;
}

/** Turns token bytes into text without ever giving out half a character. */
export class TextStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #whole = '';

  /** The whole text so far, without the bytes of an incomplete character. */
  get whole(): string {
    return this.#whole;
  }

  /** @returns the characters that these bytes complete, often ''. Invalid bytes become U+FFFD. */
  push(bytes: Uint8Array): string {
    const delta = this.#decoder.decode(bytes, { stream: true });
    this.#whole += delta;
    return delta;
  }
}
