/**
 * Makes text from outside (names of files, a model's name and answer, settings, errors) safe for a terminal. An escape sequence in
 * it could write to the clipboard or to other lines, so every invisible character is shown like `\u{1b}`. Backslashes stay as they
 * are: this is for people, and `--json` is for programs.
 */

import { hiddenCharacter, maybeHiddenCharacter } from '../protocol/hidden-characters';

/** UTF-16 units of a printed line; more does not help a person. */
const maxLine = 4000;
/** UTF-16 units that decide about the character after them: a flag and its tags. */
const contextUnits = 16;

/** For a single line: line ends and tabs are made visible as well, and a very long text is cut. */
export function visibleLine(text: string, max = maxLine): string {
  return cutTo(
    shown(text).replace(/[\t\n\r]/g, (character) => (character === '\t' ? '\\t' : character === '\n' ? '\\n' : '\\r')),
    max,
  );
}

/** A text that arrives in parts; its line ends and tabs stay. */
export class VisibleText {
  #before = '';
  #held = '';

  /** Answers what can be shown now. A character at the end that may be hidden waits for what follows. */
  push(part: string): string {
    const whole = this.#held + part;
    const end = endOfSeen(whole);
    const text = whole.slice(0, end);
    this.#held = whole.slice(end);
    const visible = shown(text, this.#before).replace(/\r(?!\n)/g, '\\r');
    this.#before = (this.#before + text).slice(-contextUnits);
    return visible;
  }
}

/** JSON with the same value for every reader, and with nothing in it that a terminal obeys or that a person cannot see. */
export function visibleJson(value: unknown): string {
  return (JSON.stringify(value, null, 2) ?? 'null').replace(hiddenCharacter, (character) =>
    [...character.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** @param before was shown already; it decides whether a character is part of how a word is written */
function shown(text: string, before = ''): string {
  return (before + text)
    .replace(hiddenCharacter, (character: string, offset: number) =>
      offset < before.length ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    )
    .slice(before.length);
}

/** The index from which on characters depend on what follows. */
function endOfSeen(text: string): number {
  let end = text.length;
  while (end > 0) {
    const unit = text.charCodeAt(end - 1);
    const isPair = unit >= 0xdc00 && unit <= 0xdfff && end > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff;
    const character = text.slice(end - (isPair ? 2 : 1), end);
    const isHalf = unit >= 0xd800 && unit <= 0xdbff;
    if (character !== '\r' && !isHalf && !maybeHiddenCharacter.test(character)) {
      break;
    }
    end -= character.length;
  }
  return end;
}

function cutTo(text: string, max: number): string {
  if (text.length <= max) {
    return text;
  }
  const note = ` … (${text.length} characters)`;
  // half of a surrogate pair at the end is not a character yet
  return `${text.slice(0, Math.max(0, max - note.length)).replace(/[\ud800-\udbff]$/, '')}${note}`;
}
