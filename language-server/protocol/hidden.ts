/** Names and removes characters that a reader cannot see, and that change what they read or what a program does. */

import { codePoint } from './cut';
import { hiddenCharacter } from './hidden-characters';

export { visible } from './cut';

const names: Readonly<Record<number, string>> = {
  173: 'soft hyphen',
  847: 'grapheme joiner',
  1564: 'Arabic letter mark',
  4447: 'Hangul filler',
  4448: 'Hangul filler',
  6068: 'Khmer vowel',
  6069: 'Khmer vowel',
  6158: 'Mongolian vowel separator',
  8203: 'zero-width space',
  8204: 'zero-width non-joiner',
  8205: 'zero-width joiner',
  8206: 'left-to-right mark',
  8207: 'right-to-left mark',
  8232: 'line separator',
  8233: 'paragraph separator',
  8234: 'left-to-right embedding',
  8235: 'right-to-left embedding',
  8236: 'pop directional formatting',
  8237: 'left-to-right override',
  8238: 'right-to-left override',
  8288: 'word joiner',
  8289: 'function application',
  8290: 'invisible times',
  8291: 'invisible separator',
  8292: 'invisible plus',
  8294: 'left-to-right isolate',
  8295: 'right-to-left isolate',
  8296: 'first strong isolate',
  8297: 'pop directional isolate',
  12644: 'Hangul filler',
  65279: 'zero-width no-break space',
  65440: 'Hangul filler',
};

interface TextPiece {
  readonly text: string;
  /** The name of the character, for a piece that is one hidden character. */
  readonly name?: string;
}

/** Splits a text into visible pieces and hidden characters with their names. */
export function pieces(text: string): TextPiece[] {
  const found: TextPiece[] = [];
  let at = 0;
  for (const match of text.matchAll(hiddenCharacter)) {
    if (match.index > at) {
      found.push({ text: text.slice(at, match.index) });
    }
    found.push({ text: match[0], name: nameOf(match[0]) });
    at = match.index + match[0].length;
  }
  if (at < text.length) {
    found.push({ text: text.slice(at) });
  }
  return found;
}

export function countHidden(text: string): number {
  return text.match(hiddenCharacter)?.length ?? 0;
}

export function withoutHidden(text: string): string {
  return text.replace(hiddenCharacter, '');
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const kind = code >= 0xe0000 ? 'tag character' : code < 0xa0 ? 'control character' : 'invisible character';
  return `${codePoint(character)} ${names[code] ?? kind}`;
}
