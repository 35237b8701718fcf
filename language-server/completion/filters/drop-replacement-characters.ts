import type { Filter } from './filter';

/** Bytes that are no UTF-8 came from the model: cut there, unless the document has such characters itself. */
export const dropReplacementCharacters: Filter = (text, cursor) => {
  const index = text.indexOf('\ufffd');
  return index === -1 || cursor.before.includes('\ufffd') ? text : text.slice(0, index);
};
