/** Places where nothing is suggested unless the user asks for it. */

interface CursorPlace {
  /** The line of the cursor: what comes before the cursor, and what comes after it, without the line ending. */
  readonly linePrefix: string;
  readonly lineSuffix: string;
  /** UTF-16 units of the whole document. */
  readonly documentLength: number;
}

/** So much of a line is looked at. */
const maxLineChars = 200;
const wordEnd = /[\p{L}\p{N}_$]$/u;
const wordStart = /^[\p{L}\p{N}_$]/u;
const closedLine = /[)\]}];?$/;

/** @param offset of the cursor in the text, in UTF-16 units */
export function placeAt(text: string, offset: number): CursorPlace {
  const before = text.slice(Math.max(0, offset - maxLineChars), offset);
  const after = text.slice(offset, offset + maxLineChars);
  return {
    linePrefix: before.slice(before.lastIndexOf('\n') + 1),
    lineSuffix: /^[^\r\n]*/.exec(after)?.[0] ?? '',
    documentLength: text.length,
  };
}

/** @returns why nothing is suggested at the place; undefined where something may be */
export function skipReason(place: CursorPlace, maxFileSizeKB: number): string | undefined {
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
