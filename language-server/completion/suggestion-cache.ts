/**
 * Cache of recent suggestions: a suggestion that the user types through, or comes back to, is answered without decoding. It
 * owns the generated texts; what the user did with them is up to `ShownSuggestions`.
 */

import { hasInOrder } from '../base/text';
import { autoClosed } from './syntax/bracket-table';

/** What is offered at a cursor. */
export interface Suggestion {
  /** With the line endings of the document; '' for nothing. */
  readonly text: string;
  /** UTF-16 units after the cursor, on its line, that the text replaces: it contains them. */
  readonly replace: number;
}

export const noSuggestion: Suggestion = { text: '', replace: 0 };

export interface CachedPlace {
  readonly uri: string;
  /** The whole document, and the offset of the cursor in it, in UTF-16 units. */
  readonly text: string;
  readonly offset: number;
}

interface Entry {
  readonly uri: string;
  readonly offset: number;
  readonly before: string;
  readonly after: string;
  readonly suggestions: readonly Suggestion[];
}

/** An entry is used only while so many characters around its cursor are as they were. */
const beforeChars = 2000;
const afterChars = 500;
const maxEntries = 50;

export class SuggestionCache {
  /** The newest entry is the last one. */
  #entries: Entry[] = [];

  /** @param suggestions best first; an empty one is kept as well, so that the place is not decoded again for nothing */
  add(place: CachedPlace, suggestions: readonly Suggestion[]): void {
    const { uri, text, offset } = place;
    const before = text.slice(Math.max(0, offset - beforeChars), offset);
    const after = text.slice(offset, offset + afterChars);
    this.#entries = this.#entries.filter(
      (entry) => !(entry.uri === uri && entry.offset === offset && entry.before === before && entry.after === after),
    );
    this.#entries.push({ uri, offset, before, after, suggestions });
    if (this.#entries.length > maxEntries) {
      this.#entries.shift();
    }
  }

  /** @returns what the user has not typed yet of the suggestions for this place, best first; undefined where none fits */
  find(place: CachedPlace): readonly Suggestion[] | undefined {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      const rest = entry === undefined ? [] : entry.suggestions.flatMap((one) => restOf(entry, one, place) ?? []);
      if (rest.length > 0) {
        return rest;
      }
    }
    return undefined;
  }

  clear(): void {
    this.#entries = [];
  }
}

function restOf(entry: Entry, suggestion: Suggestion, { uri, text, offset }: CachedPlace): Suggestion | undefined {
  const typed = offset - entry.offset;
  const fits =
    entry.uri === uri &&
    typed >= 0 &&
    (typed < suggestion.text.length || typed === 0) &&
    text.startsWith(suggestion.text.slice(0, typed), entry.offset) &&
    text.startsWith(entry.before, entry.offset - entry.before.length);
  if (!fits) {
    return undefined;
  }
  const rest = suggestion.text.slice(typed);
  if (text.slice(offset, offset + afterChars) === entry.after) {
    return { text: rest, replace: suggestion.replace };
  }
  const closers = closersAfter(suggestion.text.slice(0, typed));
  const closed = closers !== '' && text.slice(offset, offset + closers.length) === closers;
  const after = text.slice(offset + closers.length, offset + closers.length + afterChars);
  return closed && after === entry.after && hasInOrder(rest, closers)
    ? { text: rest, replace: closers.length + suggestion.replace }
    : undefined;
}

/** The characters that an editor has put after the typed text to close what it opened, innermost first. */
function closersAfter(typed: string): string {
  let closers = '';
  for (const char of typed) {
    if (closers.startsWith(char)) {
      closers = closers.slice(1);
    } else {
      closers = autoClosed(char) + closers;
    }
  }
  return closers;
}
