/** Applies a proposal to the current text, so that what was typed while it was shown is kept. */

import { type Hunk, hunksOf, splitLines } from './changes';

export interface Merged {
  readonly text: string;
  /** The proposed hunks that were not applied, because their lines have been edited. */
  readonly conflicts: readonly Hunk[];
}

/**
 * @param base the text that the proposal was made from; @param current the current text; @param hunks the changes of the
 * proposal to `base`
 */
export function mergeHunks(base: string, current: string, hunks: readonly Hunk[]): Merged {
  const edits = hunksOf(base, current);
  const lines = splitLines(base);
  const taken: Hunk[] = [];
  const conflicts: Hunk[] = [];
  for (const hunk of hunks) {
    const edit = edits.find((one) => touch(one, hunk));
    if (edit === undefined) {
      taken.push(hunk);
    } else if (!isSame(edit, hunk)) {
      conflicts.push(hunk);
    }
  }
  let at = 0;
  const pieces: string[] = [];
  for (const { oldStart, oldEnd, newText } of [...edits, ...taken].sort(
    (one, other) => one.oldStart - other.oldStart,
  )) {
    pieces.push(lines.slice(at, oldStart).join(''), newText);
    at = oldEnd;
  }
  return { text: [...pieces, ...lines.slice(at)].join(''), conflicts };
}

/** Adjacent lines count as touched: an edit there may have been meant together with the change. */
function touch(one: Hunk, other: Hunk): boolean {
  return one.oldStart <= other.oldEnd && other.oldStart <= one.oldEnd;
}

function isSame(one: Hunk, other: Hunk): boolean {
  return one.oldStart === other.oldStart && one.oldEnd === other.oldEnd && one.newText === other.newText;
}
