/** The chain of filters, in order: first for what the model should not have written, then for what the document already has. */

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

const modelArtifactFilters: readonly Filter[] = [
  cutAtHiddenCharacter,
  cutAtReplacementCharacter,
  dropRepetition,
  trimTrailingSpace,
  normalizeIndentation,
  dropLineAbove,
];

const documentOverlapFilters: readonly Filter[] = [
  cutAtClosedBracket,
  trimTrailingSpace,
  trimSuffixOverlap,
  cutAtSurplusBracket,
  dropFollowingLines,
  dropEcho,
];

/**
 * @param text of the model, with LF line endings
 * @param languageId of the document, whose tokens tell strings and comments from code; '' where it is not known
 * @returns what to insert, with the line endings of the document; '' for nothing
 */
export function filterCompletion(text: string, cursor: CursorText, languageId = ''): Suggestion {
  const code = new CodeAround(cursor, languageId);
  const clean = chain(text, cursor, code, modelArtifactFilters);
  const replace = trimSuffixOverlap(clean, cursor, code) === clean ? replacedRest(clean, cursor, code) : 0;
  // what is replaced no longer stands after the cursor
  const place = replace === 0 ? cursor : { ...cursor, after: cursor.after.slice(replace), lineSuffix: '' };
  const result = chain(clean, place, replace === 0 ? code : new CodeAround(place, languageId), documentOverlapFilters);
  return result === '' ? noSuggestion : { text: inLineEnds(result, cursor), replace };
}

/** The text with the line endings of the document. */
export function inLineEnds(text: string, { eol }: CursorText): string {
  return eol === '\n' ? text : text.replaceAll('\n', eol);
}

function chain(text: string, cursor: CursorText, code: CodeAround, filters: readonly Filter[]): string {
  return filters.reduce((result, filter) => (result === '' ? '' : filter(result, cursor, code)), text);
}
