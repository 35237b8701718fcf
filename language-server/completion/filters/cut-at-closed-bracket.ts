import type { Filter } from './filter';

const openOf = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);

/**
 * Behind the cursor a bracket or quote closes what was opened before it: text that closes it, too, and goes on
 * (`list[|]`: `length - 1];`) would leave it twice. What comes before that is kept.
 */
export const cutAtClosedBracket: Filter = (text, cursor) => {
  const closer = cursor.lineSuffix.trimStart()[0] ?? '';
  const open = openOf.get(closer);
  if (open !== undefined) {
    const end = unmatched(text, open, closer);
    return end === -1 ? text : text.slice(0, end);
  }
  if (closer !== '' && `"'\``.includes(closer)) {
    const quotes = [...text.matchAll(new RegExp(`(?<!\\\\)${closer}`, 'g'))];
    return quotes.length % 2 === 0 ? text : text.slice(0, quotes.at(-1)?.index);
  }
  return text;
};

/** Index of the first closer without its opening bracket, or -1. */
function unmatched(text: string, open: string, closer: string): number {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === open) {
      depth++;
    } else if (char === closer) {
      depth--;
      if (depth < 0) {
        return index;
      }
    }
  }
  return -1;
}
