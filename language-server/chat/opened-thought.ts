/** An answer whose thought the chat template has opened: it is given out with the mark that the model did not write. */
export class OpenedThought {
  readonly #mark: string | undefined;
  readonly #onText: (delta: string) => void;
  #begun = false;

  constructor(mark: string | undefined, onText: (delta: string) => void) {
    this.#mark = mark;
    this.#onText = onText;
  }

  push(delta: string): void {
    this.#onText(this.#begun ? delta : this.whole(delta));
    this.#begun = true;
  }

  /** @param text all that the model has written */
  whole(text: string): string {
    return this.#mark === undefined || text.trimStart().startsWith(this.#mark) ? text : `${this.#mark}\n${text}`;
  }
}
