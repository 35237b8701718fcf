/** Where lines of an answer are in a file. */

import type { HunkLine } from '../../media/chat/change-blocks';

/** Each old line's line in the file, 0-based; undefined: it is not there. */
export type Place = readonly (number | undefined)[];

const forms: readonly ((line: string) => string)[] = [(line) => line, (line) => line.trimEnd(), (line) => line.trim()];

/** All places of these lines, one after the other: to the blank if there are any such, else whatever their blanks. */
export function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  for (const form of forms) {
    const found = matches(lines.map(form), wanted.map(form));
    if (found.length > 0) {
      return found;
    }
  }
  return [];
}

function matches(lines: readonly string[], wanted: readonly string[]): number[] {
  const found: number[] = [];
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    if (wanted.every((line, offset) => lines[at + offset] === line)) {
      found.push(at);
    }
  }
  return found;
}

/** Old lines that are not in the file as they stand: so many may be too few or too many. */
const maxErrors = 3;
/** Lines of the file times lines of a hunk: more are not compared one by one. */
const maxCompared = 2_000_000;

/**
 * The place of a hunk some of whose context is wrong: the one that agrees best, and clearly. All lines that go have to
 * be there, and the lines on both sides of what is added.
 */
export function nearPlace(lines: readonly string[], hunk: readonly HunkLine[]): Place | undefined {
  const old = hunk.filter(({ kind }) => kind !== 'new');
  const limit = Math.min(maxErrors, Math.floor(old.length / 3));
  if (limit === 0 || lines.length * old.length > maxCompared) {
    return undefined;
  }
  const wanted = old.map(({ text }) => text.trim());
  const present = lines.map((line) => line.trim());
  const isAdded = additionsBefore(hunk);
  const ends = align(present, old, wanted, isAdded, limit);
  const [best] = ends;
  if (best === undefined) {
    return undefined;
  }
  const place = best.place;
  const rival = ends.find(({ place: other, errors }) => errors <= best.errors + 1 && !overlaps(other, place));
  const matched = place.filter((line, index) => line !== undefined && wanted[index] !== '').length;
  return rival === undefined && matched >= 2 && isAnchored(hunk, place) ? place : undefined;
}

interface Aligned {
  readonly errors: number;
  readonly place: Place;
}

/** Whether lines are added between an old line and the one before it. */
function additionsBefore(hunk: readonly HunkLine[]): boolean[] {
  const found: boolean[] = [];
  let added = false;
  for (const { kind } of hunk) {
    if (kind === 'new') {
      added = true;
    } else {
      found.push(added);
      added = false;
    }
  }
  return found;
}

/** @returns the ways to lay the old lines on the file's with few errors, the best first; one for each last line */
function align(
  present: readonly string[],
  old: readonly HunkLine[],
  wanted: readonly string[],
  isAdded: readonly boolean[],
  limit: number,
): Aligned[] {
  interface Step {
    readonly errors: number;
    readonly line: number | undefined;
    readonly before: Step | undefined;
  }
  // rows: old lines so far; columns: lines of the file so far
  let row: (Step | undefined)[] = Array.from({ length: present.length + 1 }, () => ({
    errors: 0,
    line: undefined,
    before: undefined,
  }));
  const skips = new WeakSet<Step>();
  for (const [index, text] of wanted.entries()) {
    const next: (Step | undefined)[] = new Array(present.length + 1);
    for (let column = 0; column <= present.length; column++) {
      let best: Step | undefined;
      const above = row[column];
      if (above !== undefined && old[index]?.kind === 'context' && above.errors < limit) {
        best = { errors: above.errors + 1, line: undefined, before: above };
      }
      const diagonal = column > 0 ? row[column - 1] : undefined;
      if (diagonal !== undefined && present[column - 1] === text && diagonal.errors < (best?.errors ?? limit + 1)) {
        best = { errors: diagonal.errors, line: column - 1, before: diagonal };
      }
      const left = column > 0 ? next[column - 1] : undefined;
      const maySkip = index < wanted.length - 1 && isAdded[index + 1] !== true;
      if (left !== undefined && maySkip && left.errors + 1 < (best?.errors ?? limit + 1)) {
        const skip: Step = { errors: left.errors + 1, line: undefined, before: left };
        skips.add(skip);
        best = skip;
      }
      next[column] = best;
    }
    row = next;
  }
  const found = row.flatMap((end): Aligned[] => {
    if (end === undefined) {
      return [];
    }
    const place: (number | undefined)[] = [];
    for (let step: Step | undefined = end; step?.before !== undefined; step = step.before) {
      if (!skips.has(step)) {
        place.unshift(step.line);
      }
    }
    return place.some((line) => line !== undefined) ? [{ errors: end.errors, place }] : [];
  });
  return found.sort((one, other) => one.errors - other.errors);
}

function overlaps(one: Place, other: Place): boolean {
  const lines = new Set(one.filter((line) => line !== undefined));
  return other.some((line) => line !== undefined && lines.has(line));
}

/** What is added stands between lines that are there, or in the place of lines that go. */
function isAnchored(hunk: readonly HunkLine[], place: Place): boolean {
  const old = hunk.filter(({ kind }) => kind !== 'new');
  let index = -1;
  const isThere = (at: number) => at < 0 || at >= place.length || place[at] !== undefined;
  return hunk.every(({ kind }) => {
    if (kind !== 'new') {
      index++;
      return true;
    }
    const goes = old[index]?.kind === 'old' || old[index + 1]?.kind === 'old';
    return goes || (isThere(index) && isThere(index + 1));
  });
}
