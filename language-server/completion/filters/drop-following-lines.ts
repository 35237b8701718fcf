import { indentWidth } from '../../text';
import type { Filter } from './filter';

const closersOnly = /^[\s)\]}>;,]*$/;

/** Lines at the end of the text that stand below the cursor already. */
export const dropFollowingLines: Filter = (text, cursor) => {
  const below = cursor.after
    .slice(cursor.lineSuffix.length)
    .split('\n', 24)
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
