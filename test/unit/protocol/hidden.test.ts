import { expect, test } from 'vitest';
import { countHidden, pieces, visible, withoutHidden } from '../../../language-server/protocol/hidden';

test.each([
  ['right-to-left override', 'a\u202eb', 'a[U+202E]b'],
  ['isolates', '\u2066x\u2069', '[U+2066]x[U+2069]'],
  ['zero-width space', 'pass\u200bword', 'pass[U+200B]word'],
  ['byte order mark', '\ufeffx', '[U+FEFF]x'],
  ['tag characters', 'x\u{e0041}\u{e0042}', 'x[U+E0041][U+E0042]'],
  ['shorthand and music', '\u{1bca0}\u{1d173}', '[U+1BCA0][U+1D173]'],
  ['escape', '\u001b[2J', '[U+001B][2J'],
  ['Hangul filler', '\u3164', '[U+3164]'],
  ['grapheme joiner', 'a\u034fb', 'a[U+034F]b'],
])('visible() names %s', (_name, text, shown) => {
  expect(visible(text)).toBe(shown);
  expect(countHidden(withoutHidden(text))).toBe(0);
});

test.each(['plain text\twith\nlines\r\n', 'é ü 日本語 العربية עברית', '👩‍💻 👨‍👩‍👧 ❤️‍🔥'])(
  'visible() leaves %j as it is',
  (text) => {
    expect(visible(text)).toBe(text);
  },
);

test.each([
  ['Persian', 'می\u200cخواهم کتاب\u200cها را'],
  ['Urdu', 'بے\u200cشک'],
  ['Hindi half letters', 'क्\u200dष और क्\u200cष'],
  ['Bengali', 'র\u200d্যাব উদ্\u200cবেগ'],
  ['Malayalam', 'നന്\u200dമ'],
  ['Sinhala', 'ශ්\u200dරී ලංකා'],
  ['Khmer word ends', 'ភាសា\u200bខ្មែរ'],
  ['Thai word ends', 'ภาษา\u200bไทย'],
  ['the flag of England', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}'],
  ['the flag of Scotland', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} here'],
  ['flags of countries', '🇩🇪 🇯🇵'],
  ['a flag of two pictographs', '🏳️\u200d🌈 🏴\u200d☠️'],
  ['keycaps and skin', '1️⃣ 👩🏽\u200d💻'],
  ['the form of a Chinese character', '葛\u{e0100}城'],
])('visible() leaves %s as it is', (_name, text) => {
  expect(visible(text)).toBe(text);
  expect(withoutHidden(text)).toBe(text);
});

test.each([
  ['a joiner between Latin letters', 'pass\u200dword', 'pass[U+200D]word'],
  ['a non-joiner in code', 'if (isAdmin\u200c) {', 'if (isAdmin[U+200C]) {'],
  ['a non-joiner between Latin and Arabic', 'a\u200cب', 'a[U+200C]ب'],
  ['a zero-width space between Latin letters', 'a\u200bb', 'a[U+200B]b'],
  ['tags after a flag that do not end', '\u{1f3f4}\u{e0067}\u{e0062}x', '\u{1f3f4}[U+E0067][U+E0062]x'],
  [
    'a message in tags after a flag',
    `\u{1f3f4}${'\u{e0061}'.repeat(9)}\u{e007f}`,
    `\u{1f3f4}${'[U+E0061]'.repeat(9)}[U+E007F]`,
  ],
  ['a direction override in Arabic', 'ب\u202eب', 'ب[U+202E]ب'],
])('visible() names %s', (_name, text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('the pieces of a text add up to it, and name each hidden character', () => {
  const found = pieces('a\u202eb');
  expect(found.map(({ text }) => text).join('')).toBe('a\u202eb');
  expect(found[1]?.name).toBe('U+202E right-to-left override');
});
