import { expect, test } from 'vitest';
import { countHidden, pieces, visible, withoutHidden } from '../../media/hidden';

test.each([
  ['right-to-left override', 'a\u202eb', 'a[U+202E]b'],
  ['isolates', '\u2066x\u2069', '[U+2066]x[U+2069]'],
  ['zero-width space', 'pass\u200bword', 'pass[U+200B]word'],
  ['byte order mark', '\ufeffx', '[U+FEFF]x'],
  ['tag characters', 'x\u{e0041}\u{e0042}', 'x[U+E0041][U+E0042]'],
  ['escape', '\u001b[2J', '[U+001B][2J'],
  ['Hangul filler', '\u3164', '[U+3164]'],
  ['grapheme joiner', 'a\u034fb', 'a[U+034F]b'],
])('%s is shown', (_name, text, shown) => {
  expect(visible(text)).toBe(shown);
  expect(countHidden(withoutHidden(text))).toBe(0);
});

test.each(['plain text\twith\nlines\r\n', 'é ü 日本語 العربية עברית', '👩‍💻 👨‍👩‍👧 ❤️‍🔥'])(
  '%j is left as it is',
  (text) => {
    expect(visible(text)).toBe(text);
  },
);

test('pieces add up to the text, and name what is hidden', () => {
  const found = pieces('a\u202eb');
  expect(found.map(({ text }) => text).join('')).toBe('a\u202eb');
  expect(found[1]?.name).toBe('U+202E right-to-left override');
});
