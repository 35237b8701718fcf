/** The text around the cursor, in a window of bounded length, so that a huge document costs no more than a small one. */

import { toLf, wellFormed } from '../../base/text';
import { indentUnit } from './indentation';

export interface CursorText {
  /** At most {@link windowChars} characters of the document before, and after, the cursor, with LF line endings. */
  readonly before: string;
  readonly after: string;
  /** Whether `after` reaches the end of the document. */
  readonly reachesEnd: boolean;
  /** Offset of `before` in the document, in UTF-16 units. */
  readonly start: number;
  /** The line of the cursor: what comes before the cursor, and what comes after it, without the line ending. */
  readonly linePrefix: string;
  readonly lineSuffix: string;
  /** The first line below the cursor that is not blank, or ''. */
  readonly nextLine: string;
  /** The last line above the cursor that is not blank, or ''. */
  readonly lineAbove: string;
  /** One step of the document's indentation, if anything around the cursor is indented. */
  readonly indentUnit: string | undefined;
  /** The line ending of the document. */
  readonly eol: '\n' | '\r\n';
}

/** Longer lines are cut for the rules that look at one line. */
const maxLineChars = 4096;

/**
 * The window starts at a line where one begins nearby, and its start moves in steps of a quarter of its length: while the
 * user types, the front of the window stays the same, so that its KV cache is reused.
 * @param windowChars maximum number of characters before, and after, the cursor
 */
export function cursorText(text: string, offset: number, windowChars: number): CursorText {
  const start = windowStart(text, offset, windowChars);
  const end = windowEnd(text, offset, windowChars);
  const before = toLf(wellFormed(text.slice(start, offset)));
  const after = toLf(wellFormed(text.slice(offset, end)));
  const lineStart = before.lastIndexOf('\n') + 1;
  const lineEnd = after.indexOf('\n');
  return {
    before,
    after,
    reachesEnd: end === text.length,
    start,
    linePrefix: before.slice(Math.max(lineStart, before.length - maxLineChars)),
    lineSuffix: (lineEnd === -1 ? after : after.slice(0, lineEnd)).slice(0, maxLineChars),
    nextLine: firstLineWithText(lineEnd === -1 ? '' : after.slice(lineEnd + 1)),
    lineAbove: lastLineWithText(before.slice(0, lineStart)),
    indentUnit: indentUnit(before) ?? indentUnit(after),
    eol: lineEnding(text),
  };
}

/** Where the window of a cursor at `offset` starts: moved in steps, and from there to the next line within a step. */
export function windowStart(text: string, offset: number, windowChars: number): number {
  if (offset <= windowChars) {
    return 0;
  }
  const step = Math.max(1, Math.floor(windowChars / 4));
  const rough = Math.ceil((offset - windowChars) / step) * step;
  const newline = text.slice(rough, Math.min(rough + step, offset)).indexOf('\n');
  if (newline !== -1) {
    return rough + newline + 1;
  }
  return isInsideCharacter(text, rough) ? rough + 1 : rough;
}

function windowEnd(text: string, offset: number, windowChars: number): number {
  const rough = Math.min(text.length, offset + windowChars);
  if (rough === text.length) {
    return rough;
  }
  const newline = text.slice(offset, rough).lastIndexOf('\n');
  if (newline !== -1) {
    return offset + newline + 1;
  }
  return isInsideCharacter(text, rough) ? rough - 1 : rough;
}

/** Whether the offset is between the two halves of a surrogate pair. */
function isInsideCharacter(text: string, offset: number): boolean {
  const left = text.charCodeAt(offset - 1);
  const right = text.charCodeAt(offset);
  return left >= 0xd800 && left <= 0xdbff && right >= 0xdc00 && right <= 0xdfff;
}

function firstLineWithText(text: string): string {
  const match = /^.*\S.*$/m.exec(text.slice(0, maxLineChars));
  return match?.[0] ?? '';
}

function lastLineWithText(text: string): string {
  return text.slice(-maxLineChars).trimEnd().split('\n').at(-1) ?? '';
}

/** The first line ending decides for documents that mix them. */
function lineEnding(text: string): '\n' | '\r\n' {
  const newline = text.indexOf('\n');
  return newline > 0 && text[newline - 1] === '\r' ? '\r\n' : '\n';
}
