/**
 * Text that came from outside (names of files, a model's name and answer, settings, errors) as a terminal may show it. An
 * escape sequence in it could write the clipboard or other lines, so each character that is not seen is shown as `\u{1b}`.
 * Backslashes stay as they are: this is for eyes, `--json` is for programs.
 */

import { hiddenCharacter, maybeHiddenCharacter } from '../protocol/hidden-characters';

/** UTF-16 units of a printed line; more tells a person nothing. */
const maxLine = 4000;
/** UTF-16 units that decide about the character behind them: a flag and its tags. */
const contextUnits = 16;

/** For one line of our own: line ends and tabs are shown, too, and what is very long is cut. */
export function visibleLine(text: string, max = maxLine): string {
  return cutTo(
    shown(text).replace(/[\t\n\r]/g, (character) => (character === '\t' ? '\\t' : character === '\n' ? '\\n' : '\\r')),
    max,
  );
}

/** A text that comes in parts, with its line ends and tabs. */
export class VisibleText {
  #before = '';
  #held = '';

  /** What can be shown now: a character at the end that may be hidden waits for what follows. */
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

/** The same value for every reader of JSON, and nothing in it that a terminal obeys or a person does not see. */
export function visibleJson(value: unknown): string {
  return (JSON.stringify(value, null, 2) ?? 'null').replace(hiddenCharacter, (character) =>
    [...character.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** @param before is not shown again, and decides what belongs to how a word is written */
function shown(text: string, before = ''): string {
  return (before + text)
    .replace(hiddenCharacter, (character: string, offset: number) =>
      offset < before.length ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    )
    .slice(before.length);
}

/** Where the characters begin that what follows decides about. */
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
  // half a pair at the end is no character
  return `${text.slice(0, Math.max(0, max - note.length)).replace(/[\ud800-\udbff]$/, '')}${note}`;
}
