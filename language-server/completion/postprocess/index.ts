/** The chain, in order: first what the model should not have said, then what the document has already. */

import type { CursorText } from '../prompt/cursor';
import { noSuggestion, type Suggestion } from '../suggestion-cache';
import { CodeAround } from '../syntax/brackets';
import {
  cutAtClosedBracket,
  cutAtSurplusBracket,
  dropEcho,
  dropFollowingLines,
  replacedRest,
  trimSuffixOverlap,
} from './document-overlap';
import {
  cutAtHiddenCharacter,
  cutAtReplacementCharacter,
  dropLineAbove,
  dropRepetition,
  type Filter,
  normalizeIndentation,
  trimTrailingSpace,
} from './model-artifacts';

const said: readonly Filter[] = [
  cutAtHiddenCharacter,
  cutAtReplacementCharacter,
  dropRepetition,
  trimTrailingSpace,
  normalizeIndentation,
  dropLineAbove,
];

const standsAlready: readonly Filter[] = [
  cutAtClosedBracket,
  trimTrailingSpace,
  trimSuffixOverlap,
  cutAtSurplusBracket,
  dropFollowingLines,
  dropEcho,
];

/**
 * @param text LF line ends
 * @param languageId whose tokens tell texts and comments from code; '': of no language that is known
 * @returns what to insert, with the document's line ends; '' for nothing
 */
export function filterCompletion(text: string, cursor: CursorText, languageId = ''): Suggestion {
  const code = new CodeAround(cursor, languageId);
  const clean = chain(text, cursor, code, said);
  const replace = trimSuffixOverlap(clean, cursor, code) === clean ? replacedRest(clean, cursor, code) : 0;
  // what is replaced no longer stands after the cursor
  const place = replace === 0 ? cursor : { ...cursor, after: cursor.after.slice(replace), lineSuffix: '' };
  const result = chain(clean, place, replace === 0 ? code : new CodeAround(place, languageId), standsAlready);
  return result === '' ? noSuggestion : { text: inLineEnds(result, cursor), replace };
}

/** With the document's line ends. */
export function inLineEnds(text: string, { eol }: CursorText): string {
  return eol === '\n' ? text : text.replaceAll('\n', eol);
}

function chain(text: string, cursor: CursorText, code: CodeAround, filters: readonly Filter[]): string {
  return filters.reduce((result, filter) => (result === '' ? '' : filter(result, cursor, code)), text);
}
