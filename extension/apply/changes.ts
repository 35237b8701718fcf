/** From two texts to the changes between them. */

import { diffLines } from 'diff';

export { ApplyError } from './apply-error';
export { applyChanges } from './fit';

/** Lines of one text that differ from those of another: 0-based, the ends not included. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
  /** The new lines, each with its line end (the last of a text may have none). */
  readonly newText: string;
  readonly oldText: string;
}

export function hunksOf(before: string, after: string): Hunk[] {
  const hunks: Hunk[] = [];
  let [oldLine, newLine] = [0, 0];
  let open: { oldStart: number; newStart: number; oldText: string; newText: string } | undefined;
  const close = () => {
    if (open !== undefined) {
      hunks.push({ ...open, oldEnd: oldLine, newEnd: newLine });
      open = undefined;
    }
  };
  for (const part of diffLines(before, after)) {
    const lines = part.count;
    if (!part.added && !part.removed) {
      close();
      oldLine += lines;
      newLine += lines;
      continue;
    }
    open ??= { oldStart: oldLine, newStart: newLine, oldText: '', newText: '' };
    if (part.removed) {
      open.oldText += part.value;
      oldLine += lines;
    } else {
      open.newText += part.value;
      newLine += lines;
    }
  }
  close();
  return hunks;
}

/** The hunk that a line of the new text is in, or is beside. */
export function hunkAt(hunks: readonly Hunk[], newLine: number): Hunk | undefined {
  const inside = hunks.find(({ newStart, newEnd }) => newLine >= newStart && newLine < Math.max(newEnd, newStart + 1));
  return inside ?? hunks.find(({ newStart, newEnd }) => newLine === newEnd || newLine === newStart - 1);
}

/** The other text with this hunk of the first in it. */
export function withHunk(before: string, hunk: Hunk): string {
  const lines = splitLines(before);
  return [...lines.slice(0, hunk.oldStart), hunk.newText, ...lines.slice(hunk.oldEnd)].join('');
}

export function withoutHunk(after: string, hunk: Hunk): string {
  const lines = splitLines(after);
  return [...lines.slice(0, hunk.newStart), hunk.oldText, ...lines.slice(hunk.newEnd)].join('');
}

/** Each with its line end. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
