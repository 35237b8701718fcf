/** Closing characters that stand behind the cursor and in the text, too: the text takes their place. */

import { hasInOrder } from '../../text';
import { brackets } from '../brackets';
import type { CursorText } from '../cursor';

const closing = /^[)\]}>"'`;,\s]+$/;

/**
 * @returns UTF-16 units of the rest of the line that the text contains; 0 when it does not contain all of it, or ends with
 * it (which is left out of the text instead)
 */
export function replacedRest(text: string, { lineSuffix }: CursorText): number {
  const rest = lineSuffix.trimEnd();
  if (rest === '' || !closing.test(rest)) {
    return 0;
  }
  const wanted = [...rest].filter((char) => char.trim() !== '');
  const brackety = wanted.filter((char) => ')]}'.includes(char));
  const unmatched = brackets(text).unmatched.map(({ char }) => char);
  // the brackets behind the cursor are those that the text leaves to be closed, in the same order, and no others
  if (brackety.length !== unmatched.length || brackety.some((char, index) => char !== unmatched[index])) {
    return 0;
  }
  return hasInOrder(text, wanted) ? rest.length : 0;
}
