/**
 * Whether a text is a sound piece of a program where it comes to stand. Rules that end and trim a text look at its lines
 * and brackets; a parser has the last word, where there is one, so that no rule makes broken code of code that was whole.
 */

import { inLineEnds } from '../postprocess';
import type { CursorText } from '../prompt/cursor';
import { noSuggestion, type Suggestion } from '../suggestion-cache';
import { closersAndQuotesOnly } from './bracket-table';
import type { CodeAround } from './brackets';
import type { ErrorCounter } from './syntax';

/** Lines that a text may go on for when its end would leave the program broken. */
const maxMoreLines = 12;

/** Follows a text that grows beyond the end that the rules have found for it, while that leaves the program broken. */
export class SoundEnd {
  readonly #errors: ErrorCounter | undefined;
  readonly #code: CodeAround;
  /** Where the rules would end it, once they have. */
  #ended: string | undefined;
  #lines = 0;

  constructor(errors: ErrorCounter | undefined, code: CodeAround) {
    this.#errors = errors;
    this.#code = code;
  }

  /** The rules end the text, but it goes on. */
  get goesOn(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * @param kept what the rules keep, and whether they end there @param whole all that there is
   * @returns what to keep, and whether to end now
   */
  decide(kept: string, ends: boolean, whole: string): { readonly text: string; readonly stop: boolean } {
    if (!ends && this.#ended === undefined) {
      return { text: kept, stop: false };
    }
    if (this.#ended === undefined) {
      this.#ended = kept;
      this.#lines = countLines(whole);
      return { text: kept, stop: kept.trim() === '' || !this.#isBroken(kept) };
    }
    const lines = countLines(whole);
    if (lines > this.#lines) {
      const complete = whole.slice(0, whole.lastIndexOf('\n'));
      if (lines - this.#lines > maxMoreLines || !this.#isBroken(complete)) {
        const sound = lines - this.#lines <= maxMoreLines;
        return { text: sound ? complete : this.#ended, stop: true };
      }
    }
    return { text: this.#ended, stop: false };
  }

  /** Nothing follows. @returns the whole where that is sound and the end of the rules is not */
  end(whole: string): string {
    return this.#ended !== undefined && this.#isBroken(this.#ended) && !this.#isBroken(whole.trimEnd())
      ? whole.trimEnd()
      : (this.#ended ?? whole);
  }

  /** Errors far from a text that leaves nothing open are not its doing: grammars know no macros. */
  #isBroken(text: string): boolean {
    const errors = this.#errors?.(text, 0);
    return errors !== undefined && errors.count > 0 && (errors.near || this.#code.leavesOpen(text));
  }
}

function countLines(text: string): number {
  return text.split('\n').length;
}

/**
 * The filtered text, unless it leaves the program broken and the text as it was given does not, by itself or in the place of
 * the closing characters that the editor has put after the cursor. Nothing where all of them do and the program was whole.
 */
export function soundest(
  filtered: Suggestion,
  given: string,
  cursor: CursorText,
  errors: ErrorCounter | undefined,
): Suggestion {
  const text = given.trimEnd();
  const rest = cursor.lineSuffix.trimEnd();
  const isChanged = filtered.replace > 0 || filtered.text !== inLineEnds(text, cursor);
  const left = text !== '' && (isChanged || rest !== '') ? errors?.(filtered.text, filtered.replace) : undefined;
  if (errors === undefined || left === undefined || left.count === 0) {
    return filtered;
  }
  const replaced = closersAndQuotesOnly.test(rest)
    ? Array.from({ length: rest.length }, (_, index) => rest.length - index)
    : [];
  for (const replace of [...replaced.slice(0, maxReplaced), 0]) {
    const candidate = { text: inLineEnds(text, cursor), replace };
    if (errors(candidate.text, replace)?.count === 0) {
      return candidate;
    }
  }
  return isChanged && errors('', 0)?.count === 0 ? noSuggestion : filtered;
}

/** Closing characters are tried one by one: few stand there. */
const maxReplaced = 4;
