/** Texts as lines, and where lines of an answer are in a file. */

import type { HunkLine } from '../../language-server/protocol/answer/change-blocks';

/** Each old line's line in the file, 0-based; undefined: it is not there. */
export type Place = readonly (number | undefined)[];

const forms: readonly ((line: string) => string)[] = [(line) => line, (line) => line.trimEnd(), (line) => line.trim()];

/** All places of these lines, one after the other: to the blank if there are any such, else whatever their blanks. */
export function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  return forms.map((_, form) => placesBy(form, lines, wanted)).find((found) => found.length > 0) ?? [];
}

/** The ways to compare lines, from the strictest on: to the blank, but for those at the end, but for those around. */
export const comparisonKinds = forms.map((_, form) => form);

export function placesBy(comparison: number, lines: readonly string[], wanted: readonly string[]): number[] {
  const form = forms[comparison] ?? ((line) => line);
  return matches(formedLines(lines, comparison), wanted.map(form));
}

/** Many hunks are looked for in the lines of one file. */
const formed = new WeakMap<readonly string[], (readonly string[] | undefined)[]>();

function formedLines(lines: readonly string[], comparison: number): readonly string[] {
  const known = formed.get(lines) ?? [];
  formed.set(lines, known);
  const form = forms[comparison];
  const result = known[comparison] ?? (form === undefined ? lines : lines.map(form));
  known[comparison] = result;
  return result;
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

/**
 * Whether the indents of old lines agree with the file's. Where some are the same, those of lines that go and of lines
 * without a word are, too: brackets alone are found anywhere. Where none is, deeper lines are deeper.
 */
export function isEven(lines: readonly string[], old: readonly HunkLine[], place: Place): boolean {
  const columns = (line: string) => (/^[ \t]*/.exec(line)?.[0] ?? '').replaceAll('\t', '        ').length;
  const pairs = old.flatMap(({ text, kind }, index) => {
    const line = lines[place[index] ?? -1];
    const isLoose = kind === 'context' && /[\p{L}\p{N}]/u.test(text);
    return line === undefined || text.trim() === '' ? [] : [{ model: columns(text), file: columns(line), isLoose }];
  });
  if (pairs.some(({ model, file }) => model === file && model > 0)) {
    return pairs.every(({ model, file, isLoose }) => isLoose || model === file);
  }
  const known = new Map<number, number>();
  for (const { model, file } of pairs) {
    if ((known.get(model) ?? file) !== file) {
      return false;
    }
    known.set(model, file);
  }
  const steps = [...known].sort(([one], [other]) => one - other);
  return steps.every(([, file], index) => index === 0 || file > (steps[index - 1]?.[1] ?? -1));
}

/** Old lines that are not in the file as they stand: so many may be too few or too many. */
const maxErrors = 3;
/** Of a line that has other blanks: of two places, the one that is the same to the blank. */
const blankError = 0.01;

/** Of all hunks of a file: lines of the file times lines of the hunk that are compared one by one. */
export interface Comparisons {
  left: number;
}

export const maxComparisons = 6_000_000;

/**
 * The place of a hunk some of whose context is wrong: the one that agrees best, and clearly. All lines that go have to
 * be there, and the lines on both sides of what is added.
 */
export function nearPlace(
  lines: readonly string[],
  hunk: readonly HunkLine[],
  comparisons: Comparisons,
): Place | undefined {
  const old = hunk.filter(({ kind }) => kind !== 'new');
  const limit = Math.min(maxErrors, Math.floor(old.length / 3));
  const cost = lines.length * old.length;
  if (limit === 0 || cost > comparisons.left) {
    return undefined;
  }
  comparisons.left -= cost;
  const wanted = old.map(({ text }) => text.trim());
  const isAdded = additionsBefore(hunk);
  const ends = align(lines, old, isAdded, limit);
  const [best] = ends;
  if (best === undefined) {
    return undefined;
  }
  const place = best.place;
  const rival = ends.find(({ place: other, errors }) => errors <= best.errors + 1 && !overlaps(other, place));
  const matched = place.filter((line, index) => line !== undefined && wanted[index] !== '').length;
  const isClear = rival === undefined && matched >= 2 && isAnchored(hunk, place);
  return isClear && isEven(lines, old, place) ? place : undefined;
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
  lines: readonly string[],
  old: readonly HunkLine[],
  isAdded: readonly boolean[],
  limit: number,
): Aligned[] {
  interface Step {
    readonly errors: number;
    readonly line: number | undefined;
    readonly before: Step | undefined;
  }
  const present = lines.map((line) => line.trim());
  const wanted = old.map(({ text }) => text.trim());
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
      if (above !== undefined && old[index]?.kind === 'context' && above.errors + 1 < limit + 1) {
        best = { errors: above.errors + 1, line: undefined, before: above };
      }
      const diagonal = column > 0 ? row[column - 1] : undefined;
      if (diagonal !== undefined && present[column - 1] === text) {
        const errors = diagonal.errors + (lines[column - 1] === old[index]?.text ? 0 : blankError);
        best = errors < (best?.errors ?? limit + 1) ? { errors, line: column - 1, before: diagonal } : best;
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

/**
 * What is added stands between lines that are there. Where one of them is not, it cannot be told on which side of what
 * the file has instead the new lines belong.
 */
function isAnchored(hunk: readonly HunkLine[], place: Place): boolean {
  let [index, isAdding, isOpen] = [0, false, false];
  for (const { kind } of hunk) {
    const isThere = kind === 'new' || place[index] !== undefined;
    index += kind === 'new' ? 0 : 1;
    if (kind !== 'context') {
      isAdding ||= kind === 'new';
      continue;
    }
    if (isAdding && (isOpen || !isThere)) {
      return false;
    }
    [isAdding, isOpen] = [false, !isThere];
  }
  return !(isAdding && isOpen);
}

/** Lines without their ends. */
export function splitText(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') {
    lines.pop();
  }
  return lines;
}

export function joinLines(lines: readonly string[], isEnded: boolean): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}${isEnded ? '\n' : ''}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
