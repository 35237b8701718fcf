import type { Filter } from './filter';

const closers = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);

/** What already stands behind the cursor on its line is not suggested again: editors close brackets and quotes. */
export const trimSuffixOverlap: Filter = (text, cursor) => {
  const rest = cursor.lineSuffix.trimEnd();
  if (rest === '') {
    return text;
  }
  const trimmed = text.trimEnd();
  for (let length = Math.min(rest.length, trimmed.length); length > 0; length--) {
    const overlap = rest.slice(0, length);
    if (trimmed.endsWith(overlap) && isSurplus(overlap, trimmed)) {
      const kept = trimmed.slice(0, -length);
      // on a line of its own it is not where the rest of the cursor's line would come: the text takes its place instead
      return /\n[ \t]*$/.test(kept) ? text : kept;
    }
  }
  return text;
};

/** Closing brackets that the text itself opened belong to it, not to what follows the cursor. */
function isSurplus(overlap: string, text: string): boolean {
  const first = overlap[0] ?? '';
  const open = closers.get(first);
  if (open === undefined) {
    return true;
  }
  return count(text, first) > count(text, open);
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}
