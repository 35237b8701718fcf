/** Whether a text is code without line ends, as bundlers write it. A paragraph of prose on one line is none. */

/** Characters; shorter texts are whole lines of somebody. */
const minChars = 2000;
/** Characters of a line on average: by hand, only prose has more. */
const maxCharsPerLine = 300;

export function isMinified(text: string): boolean {
  const lines = text.split('\n').length;
  return text.length > minChars && text.length / lines > maxCharsPerLine && !isProse(text);
}

/** Characters of a text that are looked at: as many as a chapter has. */
const maxSample = 64 * 1024;
/** Of prose with links, quotes or formulas, a twentieth is such characters; of minified code a fifth and more. */
const codeSigns = /[{}()[\];=<>&|+*\\^%$#@_"`~:/]/g;
const maxSignShare = 0.12;
/** Of letters: tables of numbers and encoded data have fewer. */
const minLetterShare = 0.6;
/** In languages that part their words by blanks, one character in six or seven is a blank. Minified code has few. */
const minBlankShare = 0.08;
/** Scripts that write words without blanks. */
const unspaced =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}]/gu;
const minUnspacedShare = 0.3;

/** Words tell prose from bundles: letters, blanks between them, few of the signs that code is made of. */
function isProse(text: string): boolean {
  const sample = text.slice(0, maxSample);
  const share = (pattern: RegExp) => (sample.match(pattern)?.length ?? 0) / sample.length;
  return (
    share(codeSigns) < maxSignShare &&
    share(/[\p{L}\p{M}]/gu) >= minLetterShare &&
    (share(/\s/g) >= minBlankShare || share(unspaced) >= minUnspacedShare)
  );
}
