/** The text of an answer while it streams: with the thought that its template has opened, and ended where it loops. */

/**
 * Some chat templates open a thought themselves, so the model does not write the opening tag. The answer is given out with
 * it, so that whoever reads the answer can tell where the thought ends.
 */
export class OpenedThought {
  readonly #tag: string | undefined;
  readonly #onText: (delta: string) => void;
  #begun = false;

  /** @param tag that the template has opened the thought with; undefined: it has opened none */
  constructor(tag: string | undefined, onText: (delta: string) => void) {
    this.#tag = tag;
    this.#onText = onText;
  }

  push(delta: string): void {
    this.#onText(this.#begun ? delta : this.whole(delta));
    this.#begun = true;
  }

  /** @param text all that the model has written */
  whole(text: string): string {
    return this.#tag === undefined || text.trimStart().startsWith(this.#tag) ? text : `${this.#tag}\n${text}`;
  }
}

/** Small models fall into loops: they write the same passage three times in a row, or repeat a long line. */
export function isLoop(text: string): boolean {
  if (/([\s\S]{16,160}?)\1\1$/.test(text.slice(-520))) {
    return true;
  }
  const lines = text.slice(-8192).split('\n');
  const last = lines.pop()?.trim() ?? '';
  return last.length >= 60 && lines.some((line) => line.trim() === last);
}
