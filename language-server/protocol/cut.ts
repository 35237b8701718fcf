/** Cuts texts to a limit without splitting code points, with an ellipsis in place of what is cut. */

import { hiddenCharacter } from './hidden-characters';
import { limits } from './limits';

const ellipsis = '…';

/** Keeps the beginning and the end, which are the root and the name of a path. */
export function cutMiddle(text: string, max: number): string {
  if (text.length <= max) {
    return text;
  }
  const kept = Math.max(0, max - ellipsis.length);
  const head = Math.ceil(kept / 2);
  return `${startOf(text, head)}${ellipsis}${endOf(text, kept - head)}`;
}

export function cutEnd(text: string, max: number): string {
  return text.length <= max ? text : `${startOf(text, Math.max(0, max - ellipsis.length))}${ellipsis}`;
}

/** @returns at most `max` UTF-16 units, without half of a surrogate pair at the end */
export function startOf(text: string, max: number): string {
  return text.slice(0, splitsPair(text, max) ? max - 1 : max);
}

function endOf(text: string, max: number): string {
  const start = text.length - max;
  return text.slice(splitsPair(text, start) ? start + 1 : start);
}

function splitsPair(text: string, at: number): boolean {
  return at > 0 && at < text.length && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));
}

/** Cleans a name from outside: one line, no hidden characters. @param otherwise the name if nothing is left */
export function cleanName(name: string, otherwise: string): string {
  // a name of a megabyte is not read to its end
  const start = startOf(name, 20 * limits.name);
  const line = start.replace(hiddenCharacter, '').replace(/\s+/gu, ' ').trim();
  return cutMiddle(line, limits.name) || otherwise;
}

/** Cleans a sentence that may quote text from outside: hidden characters are named in it. */
export function cleanSentence(text: string): string {
  return cutMiddle(visible(cutMiddle(text, limits.problem)), limits.problem);
}

/** Names hidden characters as `[U+202E]`, for places that show only plain text. */
export function visible(text: string): string {
  return text.replace(hiddenCharacter, (character) => `[${codePoint(character)}]`);
}

/** @returns for example `U+202E` */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
