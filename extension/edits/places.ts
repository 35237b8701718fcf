/** Splits texts into lines, and finds lines of an answer in a file. */

import type { HunkLine } from '../../language-server/protocol/answer/change-blocks';

/** For each old line, its line number in the file, 0-based; undefined when the file lacks it. */
export type Place = readonly (number | undefined)[];

const forms: readonly ((line: string) => string)[] = [(line) => line, (line) => line.trimEnd(), (line) => line.trim()];

/** @returns the first line of each place where these lines are: exact matches if there are any, else with other whitespace */
export function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  return forms.map((_, form) => placesBy(form, lines, wanted)).find((found) => found.length > 0) ?? [];
}

/** The ways to compare lines, the strictest first: exactly, without trailing whitespace, without surrounding whitespace. */
export const comparisonKinds = forms.map((_, form) => form);

export function placesBy(comparison: number, lines: readonly string[], wanted: readonly string[]): number[] {
  const form = forms[comparison] ?? ((line) => line);
  return matches(formedLines(lines, comparison), wanted.map(form));
}

/** Caches the lines of a file in each form, as many hunks are searched for in one file. */
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
 * Whether the indentation of old lines agrees with the file's. If some lines have the same, removed lines and lines without
 * words must as well, since brackets alone are found anywhere. Otherwise deeper lines must be deeper in the file.
 */
export function hasConsistentIndent(lines: readonly string[], old: readonly HunkLine[], place: Place): boolean {
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

/** The maximum number of lines that a hunk may lack, or have in excess, compared to the file. */
const maxErrors = 3;
/** The error of a line with other whitespace: of two places, the exact one is better. */
const blankError = 0.01;

/** The budget of all inexact hunks of a file: each takes the lines of the file times those of the hunk. */
export interface Comparisons {
  left: number;
}

export const maxComparisons = 6_000_000;

/**
 * Finds the place of a hunk some of whose context is wrong: the best match, if it is clearly better than the others. All
 * removed lines must match, and the lines on both sides of added ones.
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
  return isClear && hasConsistentIndent(lines, old, place) ? place : undefined;
}

interface Aligned {
  readonly errors: number;
  readonly place: Place;
}

/** @returns for each old line, whether lines are added before it */
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

/** @returns alignments of the old lines with the file's that have few errors, the best first; one for each last line */
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
  // rows are old lines so far, columns are lines of the file so far
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
 * Whether all added lines are between lines that are in the file. If one of those is missing, it is unknown on which side of
 * what the file has instead the new lines belong.
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

/** @returns the lines without their ends */
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

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
