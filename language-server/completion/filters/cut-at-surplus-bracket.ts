import { brackets, closes, unclosedAround } from '../brackets';
import type { Filter } from './filter';

/**
 * A closing bracket needs an opening one: in the text, or before the cursor and not closed behind it. The text ends before
 * the first that has none.
 */
export const cutAtSurplusBracket: Filter = (text, cursor) => {
  const { unmatched } = brackets(text);
  if (unmatched.length === 0) {
    return text;
  }
  const unclosed = unclosedAround(cursor.before, cursor.after, cursor.reachesEnd);
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
