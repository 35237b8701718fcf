import type { Filter } from './filter';

/** A unit of at least 3 characters, three or more times at the end: small models fall into such loops. */
const loop = /([^\n]{3,60}?)\1{2,}[^\n]{0,60}$/;

/** Keeps the first of the repetitions. Rows of one character (rulers, spaces) are left alone. */
export const dropRepetition: Filter = (text) => {
  const match = loop.exec(text);
  const unit = match?.[1];
  if (match === null || unit === undefined || new Set(unit).size < 2) {
    return text;
  }
  return text.slice(0, match.index + unit.length);
};
