/** What was typed while a proposal was shown stays: a proposal is applied to the text as it is by now. */

import { type Hunk, hunksOf, splitLines } from './changes';

export interface Merged {
  readonly text: string;
  /** Proposed hunks that are not in the text, because their lines have been edited. */
  readonly conflicts: readonly Hunk[];
}

/**
 * @param base the text that the proposal was made from; @param current the text by now; @param hunks of the proposal,
 * in the lines of `base`
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

/** The line before and after a change belongs to it: what is edited there may have been meant with it. */
function touch(one: Hunk, other: Hunk): boolean {
  return one.oldStart <= other.oldEnd && other.oldStart <= one.oldEnd;
}

function isSame(one: Hunk, other: Hunk): boolean {
  return one.oldStart === other.oldStart && one.oldEnd === other.oldEnd && one.newText === other.newText;
}
