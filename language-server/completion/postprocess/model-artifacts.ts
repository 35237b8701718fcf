/** Filters for what a model should not have written, or not in this form. */

import { indentOf, isBlank } from '../../base/text';
import { hiddenCharacter } from '../../protocol/hidden-characters';
import type { CursorText } from '../prompt/cursor';
import { reindent } from '../prompt/indentation';
import { withoutDangling } from '../stop/sensible-end';
import { loopStart } from '../stop/stop-rules';
import { opensBlock } from '../syntax/bracket-table';
import type { CodeAround } from '../syntax/brackets';

/**
 * Post-processing is a chain of small pure functions; each sees the text that the one before it left.
 * @param code what the cursor is in, read by the tokens of the language
 */
export type Filter = (text: string, cursor: CursorText, code: CodeAround) => string;

/**
 * The text ends before an invisible character (a direction override, a zero-width space, an escape sequence), unless the
 * document around the cursor uses the same character.
 */
export const cutAtHiddenCharacter: Filter = (text, cursor) => {
  for (const match of text.matchAll(hiddenCharacter)) {
    if (!cursor.before.includes(match[0]) && !cursor.after.includes(match[0])) {
      return text.slice(0, match.index);
    }
  }
  return text;
};

/** A replacement character stands for bytes of the model that are not UTF-8: the text ends there, unless the document has it. */
export const cutAtReplacementCharacter: Filter = (text, cursor) => {
  const index = text.indexOf('\ufffd');
  return index === -1 || cursor.before.includes('\ufffd') ? text : text.slice(0, index);
};

/** Keeps what comes before a loop, and nothing after it. */
export const dropRepetition: Filter = (text) => {
  const loop = loopStart(text);
  return loop === undefined ? text : withoutDangling(text.slice(0, loop));
};

export const trimTrailingSpace: Filter = (text) => text.trimEnd();

/** A model that repeats the line above has lost the thread; shorter lines repeat in good code as well. */
const minRepeatedChars = 6;

export const dropLineAbove: Filter = (text, cursor) => {
  const [first = ''] = text.split('\n', 1);
  const line = `${cursor.linePrefix}${first}`.trim();
  const above = cursor.lineAbove.trim();
  return first.trim() !== '' && line.length >= minRepeatedChars && line === above ? '' : text;
};

/** Every line of code gets the indentation unit of the document, and the indent before the cursor is not repeated. */
export const normalizeIndentation: Filter = (text, cursor, code) => {
  const lines = inUnit(text, cursor.indentUnit, code.scan(text).continued).split('\n');
  const [first = ''] = lines;
  const indent = cursor.linePrefix;
  if (indent !== '' && isBlank(indent) && !isBlank(first) && !opensBlock.test(cursor.lineAbove) && !code.inString) {
    const own = indentOf(first);
    // only a line that opens a block may be followed by deeper indentation than the cursor has
    lines[0] = own.startsWith(indent) || own.length > 1 ? first.slice(own.length) : first;
  }
  return lines.join('\n');
};

/** @param continued by line: whether it begins in a string, whose blanks belong to the program */
function inUnit(text: string, unit: string | undefined, continued: readonly boolean[]): string {
  if (unit === undefined || !text.includes('\n')) {
    return text;
  }
  const lines = text.split('\n');
  const isCode = (index: number) => index > 0 && continued[index] !== true;
  const foreign = unit === '\t' ? /^ {2,}/ : /^ *\t/;
  if (!lines.some((line, index) => isCode(index) && foreign.test(line))) {
    return text;
  }
  const ownSpaces = stepOfSpaces(lines.filter((_, index) => isCode(index)));
  return lines
    .map((line, index) => (isCode(index) ? reindent(indentOf(line), unit, ownSpaces) + line.trimStart() : line))
    .join('\n');
}

/** The indentation step in spaces, 2 or 4: the larger one that all indents are multiples of. */
function stepOfSpaces(lines: readonly string[]): number {
  const widths = lines.flatMap((line) => /^ +(?=\S)/.exec(line)?.[0].length ?? []);
  return widths.every((width) => width % 4 === 0) ? 4 : 2;
}
