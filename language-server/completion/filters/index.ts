/** The chain, in order: first what the model should not have said, then what the document has already. */

import type { CursorText } from '../cursor';
import { noSuggestion, type Suggestion } from '../suggestion';
import { cutAtClosedBracket } from './cut-at-closed-bracket';
import { dropEcho } from './drop-echo';
import { dropFollowingLines } from './drop-following-lines';
import { dropRepetition } from './drop-repetition';
import { dropReplacementCharacters } from './drop-replacement-characters';
import { dropSpecialText } from './drop-special-text';
import type { Filter } from './filter';
import { trimSuffixOverlap } from './trim-suffix-overlap';
import { trimTrailingSpace } from './trim-trailing-space';

const filters: readonly Filter[] = [
  dropSpecialText,
  dropReplacementCharacters,
  dropRepetition,
  cutAtClosedBracket,
  trimTrailingSpace,
  trimSuffixOverlap,
  dropFollowingLines,
  dropEcho,
];

/** @param text LF line ends @returns what to insert, with the document's line ends; '' for nothing */
export function filterCompletion(text: string, cursor: CursorText): Suggestion {
  let result = text;
  for (const filter of filters) {
    if (result === '') {
      return noSuggestion;
    }
    result = filter(result, cursor);
  }
  return { text: cursor.eol === '\n' ? result : result.replaceAll('\n', cursor.eol), replace: 0 };
}
