/** Decides whether a completion is the rest of a line or a block of lines: by the syntax tree, or else by indentation. */

import { indentWidth, isBlank } from '../../base/text';
import type { CursorText } from '../prompt/cursor';
import { closersAndQuotesOnly, opensBlock } from './bracket-table';
import type { SyntaxShape } from './tree-shape';

export interface CompletionShape {
  readonly lines: 'one' | 'block';
  /** Lines that are indented less end a block. */
  readonly baseIndent: number;
  /** The line of the cursor opens a block: what follows is indented deeper, up to the line that closes it. */
  readonly opens: boolean;
  /** A line that ends in an opening bracket may go on to the line that closes it. */
  readonly mayOpen: boolean;
}

/**
 * By indentation, a completion is a block where the cursor is on a blank line or after an opening bracket, a colon or an
 * arrow, and only closing characters follow on the line. Models that see the text after the cursor know where to stop, so
 * with them the end of any line may go on as a block. The syntax tree tells more: comments, strings, items of lists and
 * unfinished statements are one line, unless that line opens a bracket.
 * @param syntax absent where there is no tree
 */
export function completionShape(cursor: CursorText, fillInTheMiddle: boolean, syntax?: SyntaxShape): CompletionShape {
  const baseIndent = indentWidth(cursor.linePrefix);
  const blank = isBlank(cursor.linePrefix);
  const restIsFree = closersAndQuotesOnly.test(cursor.lineSuffix);
  if (syntax !== undefined) {
    const block = restIsFree && syntax.lines === 'block';
    const opens = block && !blank && (opensBlock.test(cursor.linePrefix) || syntax.opens === true);
    const isCode = syntax.inside === 'statement' || syntax.inside === 'list';
    return {
      lines: block ? 'block' : 'one',
      baseIndent,
      opens,
      mayOpen: fillInTheMiddle && isCode && isBlank(cursor.lineSuffix),
    };
  }
  const opens = opensBlock.test(cursor.linePrefix);
  const block = restIsFree && (opens || blank || (fillInTheMiddle && isBlank(cursor.lineSuffix)));
  return { lines: block ? 'block' : 'one', baseIndent, opens, mayOpen: false };
}
