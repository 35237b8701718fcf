/** The chain, in order: first what the model should not have said, then what the document has already. */

import type { CursorText } from '../cursor';
import { noSuggestion, type Suggestion } from '../suggestion';
import { cutAtClosedBracket } from './cut-at-closed-bracket';
import { cutAtSurplusBracket } from './cut-at-surplus-bracket';
import { dropEcho } from './drop-echo';
import { dropFollowingLines } from './drop-following-lines';
import { dropLineAbove } from './drop-line-above';
import { dropRepetition } from './drop-repetition';
import { dropReplacementCharacters } from './drop-replacement-characters';
import { dropSpecialText } from './drop-special-text';
import type { Filter } from './filter';
import { normalizeIndentation } from './normalize-indentation';
import { replacedRest } from './replaced-rest';
import { trimSuffixOverlap } from './trim-suffix-overlap';
import { trimTrailingSpace } from './trim-trailing-space';

const sayings: readonly Filter[] = [
  dropSpecialText,
  dropReplacementCharacters,
  dropRepetition,
  trimTrailingSpace,
  normalizeIndentation,
  dropLineAbove,
];

const overlaps: readonly Filter[] = [
  cutAtClosedBracket,
  trimTrailingSpace,
  trimSuffixOverlap,
  cutAtSurplusBracket,
  dropFollowingLines,
  dropEcho,
];

/** @param text LF line ends @returns what to insert, with the document's line ends; '' for nothing */
export function filterCompletion(text: string, cursor: CursorText): Suggestion {
  const said = chain(text, cursor, sayings);
  const replace = trimSuffixOverlap(said, cursor) === said ? replacedRest(said, cursor) : 0;
  // what is replaced no longer stands behind the cursor
  const place = replace === 0 ? cursor : { ...cursor, after: cursor.after.slice(replace), lineSuffix: '' };
  const result = chain(said, place, overlaps);
  if (result === '') {
    return noSuggestion;
  }
  return { text: cursor.eol === '\n' ? result : result.replaceAll('\n', cursor.eol), replace };
}

function chain(text: string, cursor: CursorText, filters: readonly Filter[]): string {
  return filters.reduce((result, filter) => (result === '' ? '' : filter(result, cursor)), text);
}
