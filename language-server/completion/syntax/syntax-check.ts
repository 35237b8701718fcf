/**
 * Checks completions by the parser. The rules that end and trim a text look only at its lines and brackets; where there is
 * a grammar, the parser has the last word, so that no rule breaks code that was correct.
 */

import { inLineEnds } from '../postprocess';
import type { CursorText } from '../prompt/cursor';
import { noSuggestion, type Suggestion } from '../suggestion-cache';
import { closersAndQuotesOnly } from './bracket-table';
import type { CodeAround } from './brackets';
import type { ErrorCounter } from './syntax';

/** A text may go on for so many lines when its end would leave a syntax error. */
const maxMoreLines = 12;

/** Lets a text grow beyond the end that the rules have found for it, as long as ending there would leave a syntax error. */
export class CheckedEnd {
  readonly #errors: ErrorCounter | undefined;
  readonly #code: CodeAround;
  /** The text as the rules would end it; absent until they do. */
  #ended: string | undefined;
  #lines = 0;

  constructor(errors: ErrorCounter | undefined, code: CodeAround) {
    this.#errors = errors;
    this.#code = code;
  }

  /** The rules have ended the text, but it goes on. */
  get goesOn(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * @param kept the text that the rules keep
   * @param ends whether the rules end the text there
   * @param whole all the text so far
   * @returns the text to keep, and whether to stop decoding
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
        const isCorrect = lines - this.#lines <= maxMoreLines;
        return { text: isCorrect ? complete : this.#ended, stop: true };
      }
    }
    return { text: this.#ended, stop: false };
  }

  /** The model has ended the text. @returns the whole text if that is correct and the end of the rules is not */
  end(whole: string): string {
    return this.#ended !== undefined && this.#isBroken(this.#ended) && !this.#isBroken(whole.trimEnd())
      ? whole.trimEnd()
      : (this.#ended ?? whole);
  }

  /** Errors far from a text that leaves nothing open are not caused by it: grammars know no macros. */
  #isBroken(text: string): boolean {
    const errors = this.#errors?.(text, 0);
    return errors !== undefined && errors.count > 0 && (errors.near || this.#code.leavesOpen(text));
  }
}

function countLines(text: string): number {
  return text.split('\n').length;
}

/**
 * Chooses the suggestion that leaves no syntax error: the filtered text, or the text as the model wrote it, inserted as it is
 * or in place of closing characters that the editor has put after the cursor.
 * @param given the text of the model @param errors absent where there is no grammar
 * @returns nothing where every choice leaves an error in a program that had none
 */
export function chooseWithoutErrors(
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

/** Closing characters are tried one by one, and rarely are there many. */
const maxReplaced = 4;
