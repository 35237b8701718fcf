/** Loops within a line, which small models fall into: `count = count = count = count`. */

/** A unit of at least 3 characters, three or more times in a row. */
const repeated = /([^\n]{3,60}?)\1{2,}/g;

/** Characters; shorter repetitions are written by people: `[0, 0, 0, 0]`. */
const minLength = 24;

/**
 * @returns where to cut: before the line of the loop, or, in the first line, behind the first unit. undefined where
 * there is no loop; rulers of one character are none.
 */
export function loopStart(text: string): number | undefined {
  for (const match of text.matchAll(repeated)) {
    const unit = match[1] ?? '';
    if (match[0].length >= minLength && new Set(unit).size > 1) {
      const lineEnd = text.lastIndexOf('\n', match.index);
      const hasLinesBefore = lineEnd !== -1 && text.slice(0, lineEnd).trim() !== '';
      return hasLinesBefore ? lineEnd : match.index + unit.length;
    }
  }
  return undefined;
}
