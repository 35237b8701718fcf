import type { Filter } from './filter';

/** A line that says again what the line above says is a model that lost the thread. Short ones repeat in good code. */
const leastChars = 6;

export const dropLineAbove: Filter = (text, cursor) => {
  const [first = ''] = text.split('\n', 1);
  const line = `${cursor.linePrefix}${first}`.trim();
  const above = cursor.lineAbove.trim();
  return first.trim() !== '' && line.length >= leastChars && line === above ? '' : text;
};
