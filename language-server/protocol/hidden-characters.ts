/** Characters that a reader cannot see, and that change what they read or what a program does. */

/** Scripts whose letters are joined or separated by U+200C and U+200D. */
const joining =
  '[\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Nkoo}\\p{scx=Mong}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Guru}\\p{scx=Gujr}\\p{scx=Orya}\\p{scx=Taml}\\p{scx=Telu}\\p{scx=Knda}\\p{scx=Mlym}\\p{scx=Sinh}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tibt}]';
/** Scripts without spaces between words, which mark their boundaries by U+200B. */
const unspaced = '[\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tibt}]';
/** Letters and digits as tags. After a black flag they name a part of a country, and end with U+E007F. */
const tag = '[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]';

/** Places where an invisible character is part of the spelling of a word or an emoji. */
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
  // the variant of a Chinese character, which names need
  '(?<=\\p{scx=Hani})[\\u{e0100}-\\u{e01ef}]',
].join('|');

/**
 * Grapheme joiners, control characters except tab and line ends, soft hyphens, zero-width and bidirectional characters,
 * fillers, interlinear marks, controls of shorthand and music, supplementary variation selectors and tags.
 */
const unseen =
  '[\\u034f\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]';

/** Matches them except where they are part of the spelling of a word or an emoji. The first test is cheap, for long texts. */
export const hiddenCharacter = new RegExp(`(?=${unseen})(?!${written})${unseen}`, 'gu');

/** Matches a single character that may be hidden; whether it is depends on its neighbours. */
export const maybeHiddenCharacter = new RegExp(`^${unseen}$`, 'u');
