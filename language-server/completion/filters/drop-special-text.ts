import type { Filter } from './filter';

/** Texts of special tokens that a model spells out instead of emitting the token: nothing after them is meant. */
const specialText = /<\|[a-z_]{2,}\|>|<\/?s>|<(?:fim|file|repo)_[a-z]+>|\[\/?INST\]/;

export const dropSpecialText: Filter = (text) => {
  const match = specialText.exec(text);
  return match === null ? text : text.slice(0, match.index);
};
