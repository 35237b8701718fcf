/** Token bytes to text, never giving out half a character. */

export class TextStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #whole = '';

  /** Everything so far, without the bytes of a character that is not complete yet. */
  get whole(): string {
    return this.#whole;
  }

  /** @returns the characters that these bytes completed, often ''. Invalid bytes become U+FFFD. */
  push(bytes: Uint8Array): string {
    const delta = this.#decoder.decode(bytes, { stream: true });
    this.#whole += delta;
    return delta;
  }
}
