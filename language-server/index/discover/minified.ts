/** Whether a text is code without line ends, as bundlers write it. A paragraph of prose on one line is none. */

/** Characters; a shorter text may be a line that somebody wrote. */
const minChars = 2000;
/** Characters of a line on average: of what people write, only prose has more. */
const maxCharsPerLine = 300;

export function isMinified(text: string): boolean {
  const lines = text.split('\n').length;
  return text.length > minChars && text.length / lines > maxCharsPerLine && !isProse(text);
}

/** Characters of a text that are judged: as many as a chapter has. */
const maxSample = 64 * 1024;
/**
 * In prose with links, quotes or formulas, a twentieth of the characters are such signs; in minified code a fifth and
 * more.
 */
const codeSigns = /[{}()[\];=<>&|+*\\^%$#@_"`~:/]/g;
const maxSignShare = 0.12;
/** The share of letters in prose; tables of numbers and encoded data have fewer. */
const minLetterShare = 0.6;
/** In languages that part their words by blanks, one character in six or seven is a blank. Minified code has few. */
const minBlankShare = 0.08;
/** Scripts that write words without blanks. */
const unspaced =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}]/gu;
const minUnspacedShare = 0.3;

/** Prose differs from bundles by its words: letters, blanks between them, few of the signs of code. */
function isProse(text: string): boolean {
  const sample = text.slice(0, maxSample);
  const share = (pattern: RegExp) => (sample.match(pattern)?.length ?? 0) / sample.length;
  return (
    share(codeSigns) < maxSignShare &&
    share(/[\p{L}\p{M}]/gu) >= minLetterShare &&
    (share(/\s/g) >= minBlankShare || share(unspaced) >= minUnspacedShare)
  );
}
