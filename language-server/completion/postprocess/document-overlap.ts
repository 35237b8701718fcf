/** Filters for what the document already has: after the cursor on its line, and on the lines below. */

import { hasInOrder, indentWidth } from '../../base/text';
import type { CursorText } from '../prompt/cursor';
import { closersAndQuotesOnly, closersOnly, closes, isCloser, isQuote } from '../syntax/bracket-table';
import type { CodeAround } from '../syntax/brackets';
import type { Filter } from './model-artifacts';

/**
 * A bracket or quote after the cursor closes what was opened before it. A text that closes it as well, and goes on
 * (`list[|]`: `length - 1];`), would leave it twice, so the text ends before that.
 */
export const cutAtClosedBracket: Filter = (text, cursor, code) => {
  const closer = cursor.lineSuffix.trimStart()[0] ?? '';
  if (code.inString) {
    return cutAtClosedString(text, cursor, code);
  }
  if (!isCloser(closer)) {
    return text;
  }
  // only brackets of this kind count: the text may have forgotten to close the others
  let depth = 0;
  for (const { char, index } of code.scan(text).brackets) {
    depth += closes(closer, char) ? 1 : char === closer ? -1 : 0;
    if (depth < 0) {
      return text.slice(0, index);
    }
  }
  return text;
};

/** A text that leaves the string which the cursor is in ends at its closing quote, if the document has that quote already. */
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

/** The end of the text is dropped where it repeats what follows the cursor on its line: editors close brackets and quotes. */
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
      // on a line of its own, the overlap would move to the end of the line above: the text replaces it instead
      return /\n[ \t]*$/.test(kept) ? text : kept;
    }
  }
  return text;
};

/** Closing brackets and quotes of what the text itself opened belong to the text, not to what follows the cursor. */
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
 * Where the text contains all the closing characters that follow the cursor, it replaces them.
 * @returns how many UTF-16 units of the line the text replaces; 0 where it does not contain all of the rest of the line, or
 * leaves other brackets to be closed than those that follow
 */
export function replacedRest(text: string, { lineSuffix }: CursorText, code: CodeAround): number {
  const rest = lineSuffix.trimEnd();
  if (rest === '' || !closersAndQuotesOnly.test(rest)) {
    return 0;
  }
  const wanted = [...rest].filter((char) => char.trim() !== '');
  const brackety = wanted.filter(isCloser);
  const unmatched = code.brackets(text).unmatched.map(({ char }) => char);
  // the text must close exactly the brackets that the rest of the line closes, in the same order
  if (brackety.length !== unmatched.length || brackety.some((char, index) => char !== unmatched[index])) {
    return 0;
  }
  return hasInOrder(text, wanted) ? rest.length : 0;
}

/**
 * A closing bracket needs an opening one, in the text or before the cursor, which nothing after the cursor closes. The text
 * ends before the first closing bracket that has none.
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
      return text; // the bracket may be opened before the window of the document that is read
    }
    if (!closes(char, opener)) {
      return text.slice(0, index).trimEnd();
    }
  }
  return text;
};

/** So many lines below the cursor are compared. */
const maxLinesBelow = 24;

/** Lines at the end of the text are dropped where the same lines follow below the cursor. */
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

/** Lines with the same text are the same, but a line of closing brackets only at the same depth. */
function isSame(line: string, other: string): boolean {
  return line.trim() === other.trim() && (!closersOnly.test(line) || indentWidth(line) === indentWidth(other));
}

/** A text that only repeats what follows the cursor is dropped. */
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
