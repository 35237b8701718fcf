import type { Filter } from './filter';

/** Lines at the end of the text that stand below the cursor already. */
export const dropFollowingLines: Filter = (text, cursor) => {
  const below = cursor.after
    .slice(cursor.lineSuffix.length)
    .split('\n', 24)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const lines = text.split('\n');
  for (let count = Math.min(lines.length - 1, below.length); count > 0; count--) {
    const tail = lines.slice(-count).map((line) => line.trim());
    if (tail.every((line, index) => line === below[index])) {
      return lines.slice(0, -count).join('\n');
    }
  }
  return text;
};
