/** Texts that are made to fit a limit: whole code points stay, and what is gone shows as an ellipsis. */

import { hiddenCharacter } from './hidden-characters';
import { limits } from './limits';

const ellipsis = '…';

/** Begin and end stay: of a path its root and its name. */
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

/** At most so many units, and no half of a character at the end. */
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

/** A name from outside, on one line and without what nobody sees. @param otherwise for a name of which nothing is left */
export function cleanName(name: string, otherwise: string): string {
  // a name of a megabyte is not looked at to its end
  const start = startOf(name, 20 * limits.name);
  const line = start.replace(hiddenCharacter, '').replace(/\s+/gu, ' ').trim();
  return cutMiddle(line, limits.name) || otherwise;
}

/** A sentence that may quote what came from outside: what nobody sees is named in it. */
export function cleanSentence(text: string): string {
  return cutMiddle(visible(cutMiddle(text, limits.problem)), limits.problem);
}

/** For places that take plain text alone: hidden characters as `[U+202E]`. */
export function visible(text: string): string {
  return text.replace(hiddenCharacter, (character) => `[${codePoint(character)}]`);
}

/** `U+202E` */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
