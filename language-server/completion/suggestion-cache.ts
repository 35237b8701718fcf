/** Suggestions of late: one that the user types through, or comes back to, is answered without decoding. */

export interface CachedPlace {
  readonly uri: string;
  /** The whole document, and the cursor's offset in it. */
  readonly text: string;
  readonly offset: number;
}

interface Entry {
  readonly uri: string;
  readonly offset: number;
  readonly before: string;
  readonly after: string;
  readonly suggestion: string;
}

/** Characters around the cursor that must be as they were. */
const beforeChars = 2000;
const afterChars = 500;
const mostEntries = 50;

export class SuggestionCache {
  /** Newest last. */
  #entries: Entry[] = [];

  /** @param suggestion '' is kept, too: the same place is not decoded again for nothing */
  add(place: CachedPlace, suggestion: string): void {
    const { uri, text, offset } = place;
    const before = text.slice(Math.max(0, offset - beforeChars), offset);
    const after = text.slice(offset, offset + afterChars);
    this.#entries = this.#entries.filter(
      (entry) => !(entry.uri === uri && entry.offset === offset && entry.before === before && entry.after === after),
    );
    this.#entries.push({ uri, offset, before, after, suggestion });
    if (this.#entries.length > mostEntries) {
      this.#entries.shift();
    }
  }

  /** What is left of a suggestion, or undefined when none fits. */
  find(place: CachedPlace): string | undefined {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      const rest = entry === undefined ? undefined : restOf(entry, place);
      if (rest !== undefined) {
        return rest;
      }
    }
    return undefined;
  }

  clear(): void {
    this.#entries = [];
  }
}

function restOf(entry: Entry, { uri, text, offset }: CachedPlace): string | undefined {
  const typed = offset - entry.offset;
  const fits =
    entry.uri === uri &&
    typed >= 0 &&
    (typed < entry.suggestion.length || typed === 0) &&
    text.startsWith(entry.suggestion.slice(0, typed), entry.offset) &&
    text.startsWith(entry.before, entry.offset - entry.before.length) &&
    text.slice(offset, offset + afterChars) === entry.after;
  return fits ? entry.suggestion.slice(typed) : undefined;
}
