/** Computes the changes between two texts. */

import { diffLines } from 'diff';

/** Lines of one text that differ from those of another. Line numbers are 0-based, ends are exclusive. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
  /** The new lines, each with its line end. The last line of a text may have none. */
  readonly newText: string;
  readonly oldText: string;
}

/** The search for a minimal diff takes quadratic time in its length: texts that differ in more lines are one change. */
const maxEditLength = 4000;

interface LinePart {
  readonly value: string;
  readonly count: number;
  readonly added: boolean;
  readonly removed: boolean;
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
  for (const part of diffLines(before, after, { maxEditLength }) ?? oneChange(before, after)) {
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

/** @returns one change from the first to the last line that differs */
function oneChange(before: string, after: string): readonly LinePart[] {
  const [old, fresh] = [splitLines(before), splitLines(after)];
  const shorter = Math.min(old.length, fresh.length);
  let start = 0;
  while (start < shorter && old[start] === fresh[start]) {
    start++;
  }
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === fresh.at(-1 - end)) {
    end++;
  }
  const part = (lines: readonly string[], kind: 'same' | 'added' | 'removed'): LinePart => ({
    value: lines.join(''),
    count: lines.length,
    added: kind === 'added',
    removed: kind === 'removed',
  });
  return [
    part(old.slice(0, start), 'same'),
    part(old.slice(start, old.length - end), 'removed'),
    part(fresh.slice(start, fresh.length - end), 'added'),
    part(old.slice(old.length - end), 'same'),
  ].filter(({ count }) => count > 0);
}

/** @returns the hunk that contains a line of the new text, else one next to it */
export function hunkAt(hunks: readonly Hunk[], newLine: number): Hunk | undefined {
  const inside = hunks.find(({ newStart, newEnd }) => newLine >= newStart && newLine < Math.max(newEnd, newStart + 1));
  return inside ?? hunks.find(({ newStart, newEnd }) => newLine === newEnd || newLine === newStart - 1);
}

/** @returns the old text with one hunk applied */
export function withHunk(before: string, hunk: Hunk): string {
  const lines = splitLines(before);
  return [...lines.slice(0, hunk.oldStart), hunk.newText, ...lines.slice(hunk.oldEnd)].join('');
}

/** @returns the new text with one hunk reverted */
export function withoutHunk(after: string, hunk: Hunk): string {
  const lines = splitLines(after);
  return [...lines.slice(0, hunk.newStart), hunk.oldText, ...lines.slice(hunk.newEnd)].join('');
}

/** @returns the lines, each with its line end */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
