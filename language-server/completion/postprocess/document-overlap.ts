/** What the document has already: after the cursor on its line, and on the lines below. */

import { hasInOrder, indentWidth } from '../../base/text';
import type { CursorText } from '../prompt/cursor';
import { closersAndQuotesOnly, closersOnly, closes, isCloser, isQuote } from '../syntax/bracket-table';
import type { CodeAround } from '../syntax/brackets';
import type { Filter } from './model-artifacts';

/**
 * After the cursor a bracket or quote closes what was opened before it: text that closes it, too, and goes on
 * (`list[|]`: `length - 1];`) would leave it twice. What comes before that is kept.
 */
export const cutAtClosedBracket: Filter = (text, cursor, code) => {
  const closer = cursor.lineSuffix.trimStart()[0] ?? '';
  if (code.inString) {
    return cutAtClosedString(text, cursor, code);
  }
  if (!isCloser(closer)) {
    return text;
  }
  // of its own kind alone: the others may be those that the text forgot
  let depth = 0;
  for (const { char, index } of code.scan(text).brackets) {
    depth += closes(closer, char) ? 1 : char === closer ? -1 : 0;
    if (depth < 0) {
      return text.slice(0, index);
    }
  }
  return text;
};

/** A text that leaves the quotes that the cursor is in ends there, where the document has the closing one after the cursor. */
function cutAtClosedString(text: string, cursor: CursorText, code: CodeAround): string {
  const frame = code.state.at(-1);
  const close = frame?.kind === 'string' ? frame.form.close : '';
  const last = code
    .scan(text)
    .closed.filter(({ form }) => form.close === close)
    .at(-1);
  return last === undefined || code.endsWhereItBegan(text) || !cursor.lineSuffix.trimStart().startsWith(close)
    ? text
    : text.slice(0, last.index);
}

/** What already stands after the cursor on its line is not suggested again: editors close brackets and quotes. */
export const trimSuffixOverlap: Filter = (text, cursor, code) => {
  const rest = cursor.lineSuffix.trimEnd();
  if (rest === '') {
    return text;
  }
  const trimmed = text.trimEnd();
  for (let length = Math.min(rest.length, trimmed.length); length > 0; length--) {
    const overlap = rest.slice(0, length);
    if (trimmed.endsWith(overlap) && isSurplus(overlap, trimmed, code)) {
      const kept = trimmed.slice(0, -length);
      // on a line of its own it is not where the rest of the cursor's line would come: the text takes its place instead
      return /\n[ \t]*$/.test(kept) ? text : kept;
    }
  }
  return text;
};

/** Closing brackets and quotes that the text itself opened belong to it, not to what follows the cursor. */
function isSurplus(overlap: string, text: string, code: CodeAround): boolean {
  const first = overlap[0] ?? '';
  const at = text.length - overlap.length;
  if (isCloser(first)) {
    return code.inString || code.brackets(text).unmatched.some(({ char, index }) => char === first && index >= at);
  }
  if (isQuote(first)) {
    return code.endsWhereItBegan(text.slice(0, at));
  }
  return true;
}

/**
 * Closing characters that stand after the cursor and in the text, too: the text takes their place.
 * @returns UTF-16 units of the rest of the line that the text contains; 0 when it does not contain all of it, or ends with
 * it (which is left out of the text instead)
 */
export function replacedRest(text: string, { lineSuffix }: CursorText, code: CodeAround): number {
  const rest = lineSuffix.trimEnd();
  if (rest === '' || !closersAndQuotesOnly.test(rest)) {
    return 0;
  }
  const wanted = [...rest].filter((char) => char.trim() !== '');
  const brackety = wanted.filter(isCloser);
  const unmatched = code.brackets(text).unmatched.map(({ char }) => char);
  // the brackets after the cursor are those that the text leaves to be closed, in the same order, and no others
  if (brackety.length !== unmatched.length || brackety.some((char, index) => char !== unmatched[index])) {
    return 0;
  }
  return hasInOrder(text, wanted) ? rest.length : 0;
}

/**
 * A closing bracket needs an opening one: in the text, or before the cursor and not closed after it. The text ends before
 * the first that has none.
 */
export const cutAtSurplusBracket: Filter = (text, cursor, code) => {
  const { unmatched } = code.brackets(text);
  if (unmatched.length === 0) {
    return text;
  }
  const unclosed = code.unclosed();
  for (const { char, index } of unmatched) {
    const opener = unclosed.shift();
    if (opener === undefined && cursor.start > 0) {
      return text; // it may have been opened before the window
    }
    if (!closes(char, opener)) {
      return text.slice(0, index).trimEnd();
    }
  }
  return text;
};

/** Lines below the cursor that are compared. */
const maxLinesBelow = 24;

/** Lines at the end of the text that stand below the cursor already. */
export const dropFollowingLines: Filter = (text, cursor) => {
  const below = cursor.after
    .slice(cursor.lineSuffix.length)
    .split('\n', maxLinesBelow)
    .filter((line) => line.trim() !== '');
  const lines = text.split('\n');
  for (let count = Math.min(lines.length - 1, below.length); count > 0; count--) {
    if (lines.slice(-count).every((line, index) => isSame(line, below[index] ?? ''))) {
      return lines.slice(0, -count).join('\n');
    }
  }
  return text;
};

/** The same text; a bracket alone is the same only at the same depth. */
function isSame(line: string, other: string): boolean {
  return line.trim() === other.trim() && (!closersOnly.test(line) || indentWidth(line) === indentWidth(other));
}

/** A suggestion that says what already follows says nothing. */
export const dropEcho: Filter = (text, cursor) => {
  const echo = text.trim();
  const rest = cursor.lineSuffix.trim();
  if (echo === '') {
    return '';
  }
  if (rest !== '' && rest.startsWith(echo)) {
    return '';
  }
  return rest === '' && echo.length > 1 && echo === cursor.nextLine.trim() ? '' : text;
};
