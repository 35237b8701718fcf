/** Whether a completion is the rest of a line or a block of lines. */

import { indentWidth, isBlank } from '../text';
import type { CursorText } from './cursor';

export interface CompletionShape {
  readonly lines: 'one' | 'block';
  /** Lines that are indented less end a block. */
  readonly baseIndent: number;
  /** The cursor's line opens a block: what follows is indented deeper, up to a closing bracket. */
  readonly opens: boolean;
}

const opener = /(?:[{([:]|=>)\s*$/;
const closersOnly = /^[\s)\]}>;,'"`]*$/;

/**
 * A block where the cursor is on a blank line or behind an opening bracket, colon or arrow, and nothing but closing
 * characters follow on the line; else the rest of the line. Models that see the text behind the cursor know where to
 * stop, so they may go on at the end of any line.
 */
export function completionShape(cursor: CursorText, fillInTheMiddle: boolean): CompletionShape {
  const opens = opener.test(cursor.linePrefix);
  const blank = isBlank(cursor.linePrefix);
  const restIsFree = closersOnly.test(cursor.lineSuffix);
  const block = restIsFree && (opens || blank || (fillInTheMiddle && isBlank(cursor.lineSuffix)));
  return { lines: block ? 'block' : 'one', baseIndent: indentWidth(cursor.linePrefix), opens };
}
