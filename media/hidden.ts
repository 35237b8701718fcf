/** Characters that a reader does not see and that change what he reads, or what a program does: shown by their names. */

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

/** Scripts whose letters join, or are kept apart, by U+200C and U+200D. */
const joining =
  '[\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Nkoo}\\p{scx=Mong}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Guru}\\p{scx=Gujr}\\p{scx=Orya}\\p{scx=Taml}\\p{scx=Telu}\\p{scx=Knda}\\p{scx=Mlym}\\p{scx=Sinh}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tibt}]';
/** Scripts that write words without blanks and mark where they end by U+200B. */
const unspaced = '[\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tibt}]';
/** Letters and digits as tags: after a black flag they name the part of a country, and end with U+E007F. */
const tag = '[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]';

/** Where a character that is not seen is part of how a word or an emoji is written. */
const written = [
  // the joiner between two pictographs
  '(?<=\\p{Extended_Pictographic}\\ufe0f?|\\p{Emoji_Modifier})\\u200d\\p{Extended_Pictographic}',
  // between letters of one of these scripts, or after the sign that ends a half letter
  `(?<=(?=${joining})[\\p{L}\\p{M}])[\\u200c\\u200d](?=${joining})[\\p{L}\\p{M}]`,
  '(?<=[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d4d\\u0dca])[\\u200c\\u200d]',
  `(?<=(?=${unspaced})[\\p{L}\\p{M}])\\u200b(?=${unspaced})\\p{L}`,
  '(?<=\\p{scx=Mong})\\u180e',
  // the flag of a part of a country
  ...[0, 1, 2, 3, 4, 5].map((before) => `(?<=\\u{1f3f4}${tag}{${before}})${tag}{1,${6 - before}}\\u{e007f}`),
  `(?<=\\u{1f3f4}${tag}{3,6})\\u{e007f}`,
  // the form of a character of Chinese writing, as names need it
  '(?<=\\p{scx=Hani})[\\u{e0100}-\\u{e01ef}]',
].join('|');

/**
 * Control characters save tab and line ends, soft hyphens, zero-width and bidirectional ones, fillers, interlinear marks,
 * variation selectors of the supplement and tags; not where they are part of how a word or an emoji is written.
 */
const hidden = new RegExp(
  `(?!${written})(?:\\u034f|[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}])`,
  'gu',
);

export interface TextPiece {
  readonly text: string;
  /** What the character is, for a piece that is one hidden character. */
  readonly name?: string;
}

/** A text in pieces: what is seen as it is, and hidden characters, named. */
export function pieces(text: string): TextPiece[] {
  const found: TextPiece[] = [];
  let at = 0;
  for (const match of text.matchAll(hidden)) {
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

/** For places that take plain text alone: hidden characters as `[U+202E]`. */
export function visible(text: string): string {
  return text.replace(hidden, (character) => `[${codePoint(character)}]`);
}

export function countHidden(text: string): number {
  return text.match(hidden)?.length ?? 0;
}

export function withoutHidden(text: string): string {
  return text.replace(hidden, '');
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const kind = code >= 0xe0000 ? 'tag character' : code < 0xa0 ? 'control character' : 'invisible character';
  return `${codePoint(character)} ${names[code] ?? kind}`;
}

export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
