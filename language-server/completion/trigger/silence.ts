/** Where nothing is offered by itself. On request it always is. */

interface SilencePlace {
  /** The cursor's line up to the cursor, and from there on, without its line end. */
  readonly linePrefix: string;
  readonly lineSuffix: string;
  /** UTF-16 units of the whole document. */
  readonly documentLength: number;
}

const wordEnd = /[\p{L}\p{N}_$]$/u;
const wordStart = /^[\p{L}\p{N}_$]/u;
const closedLine = /[)\]}];?$/;

/** @returns the reason, or undefined where something may be offered */
export function whySilent(place: SilencePlace, maxFileSizeKB: number): string | undefined {
  if (place.documentLength > maxFileSizeKB * 1024) {
    return `the document is larger than ${maxFileSizeKB} kB (fasa.completion.maxFileSizeKB)`;
  }
  if (wordEnd.test(place.linePrefix) && wordStart.test(place.lineSuffix)) {
    return 'the cursor is inside a word';
  }
  if (closedLine.test(place.linePrefix) && place.lineSuffix.trim() === '') {
    return 'the line ends with a closing bracket';
  }
  return undefined;
}
