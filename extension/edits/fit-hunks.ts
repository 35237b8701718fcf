/** Applies the hunks of a diff, each at its place in the file. A hunk that matches in several places is left out. */

import type { Change } from '../../language-server/protocol/answer/answer';
import type { HunkLine } from '../../language-server/protocol/answer/change-blocks';
import { indentUnitNear, type Pair, Reindenter } from './indentation';
import {
  type Comparisons,
  capitalize,
  comparisonKinds,
  hasConsistentIndent,
  joinLines,
  maxComparisons,
  nearPlace,
  type Place,
  placesBy,
  splitText,
} from './places';

/** The result of applying changes to a text. */
export interface Fit {
  /** The text with all changes that fit. */
  readonly text: string;
  /** A sentence for each change that does not fit. */
  readonly failures: readonly string[];
  /** The number of all changes. */
  readonly count: number;
}

interface Found {
  readonly change: Change;
  readonly hunk: readonly HunkLine[];
  places: readonly Place[];
}

export function fitHunks(text: string, changes: readonly Change[], form: (text: string) => string): Fit {
  const lines = splitText(text);
  const comparisons: Comparisons = { left: maxComparisons };
  const found = changes.map((change) => find(lines, change, comparisons));
  settle(found);
  const failures: string[] = [];
  const placed: { readonly hunk: readonly HunkLine[]; readonly place: Place }[] = [];
  for (const [index, { change, hunk, places }] of found.entries()) {
    const name = changes.length > 1 ? `hunk ${index + 1}` : 'the hunk';
    const near = change.line === undefined ? '' : ` (near line ${change.line})`;
    const [place] = places;
    if (change.search.trim() === '') {
      if (text.trim() === '' && placed.length === 0) {
        return { text: form(change.replace), failures: [], count: changes.length };
      }
      failures.push(`${capitalize(name)}${near} has no context lines that tell its place.`);
    } else if (place === undefined) {
      failures.push(`${capitalize(name)}${near} does not match the file.`);
    } else if (places.length > 1) {
      failures.push(`${capitalize(name)}${near} matches the file in ${places.length} places.`);
    } else if (placed.some((other) => overlap(other.place, place))) {
      failures.push(`${capitalize(name)}${near} overlaps another one.`);
    } else {
      placed.push({ hunk, place });
    }
  }
  let result: readonly string[] = lines;
  for (const { hunk, place } of placed.sort((one, other) => firstOf(other.place) - firstOf(one.place))) {
    result = withHunk(
      result,
      hunk.map((line) => (line.kind === 'new' ? { ...line, text: form(line.text) } : line)),
      place,
    );
  }
  return { text: joinLines(result, text.endsWith('\n') || text === ''), failures, count: changes.length };
}

function find(lines: readonly string[], change: Change, comparisons: Comparisons): Found {
  const hunk = change.hunk ?? [
    ...splitText(change.search).map((text): HunkLine => ({ kind: 'old', text })),
    ...splitText(change.replace).map((text): HunkLine => ({ kind: 'new', text })),
  ];
  const old = hunk.filter(({ kind }) => kind !== 'new');
  const wanted = old.map(({ text }) => text);
  if (wanted.every((line) => line.trim() === '')) {
    return { change, hunk, places: [] };
  }
  const whole = (starts: readonly number[]) => starts.map((start) => wanted.map((_, index) => start + index));
  // context lines that were written without the column for the sign have lost a space of their own
  const restored = hunk.map((line) =>
    line.kind === 'context' && line.bare !== true ? { ...line, text: ` ${line.text}` } : line,
  );
  for (const comparison of comparisonKinds) {
    for (const variant of comparison === comparisonKinds.at(-1) ? [hunk] : [hunk, restored]) {
      const old = variant.filter(({ kind }) => kind !== 'new');
      const starts = placesBy(
        comparison,
        lines,
        old.map(({ text }) => text),
      );
      const places = whole(starts).filter((place) => hasConsistentIndent(lines, old, place));
      if (places.length > 0) {
        return { change, hunk: variant, places };
      }
    }
  }
  const near = nearPlace(lines, hunk, comparisons);
  return { change, hunk, places: near === undefined ? [] : [near] };
}

/** Hunks are in the order of the file, so those whose places are known rule out places of the others. */
function settle(found: readonly Found[]): void {
  const firsts = found.filter(({ places }) => places.length === 1).map(({ places }) => firstOf(places[0] ?? []));
  if (firsts.some((first, index) => index > 0 && first < (firsts[index - 1] ?? 0))) {
    return;
  }
  for (let isOther = true; isOther; ) {
    isOther = false;
    const nextSettled = settledAfter(found);
    let before: Place | undefined;
    for (const [index, one] of found.entries()) {
      if (one.places.length < 2) {
        before = one.places[0] ?? before;
        continue;
      }
      const after = nextSettled[index];
      const left = one.places.filter(
        (place) =>
          (before === undefined || firstOf(place) > lastOf(before)) &&
          (after === undefined || lastOf(place) < firstOf(after)),
      );
      if (left.length === 1) {
        one.places = left;
        before = left[0];
        isOther = true;
      }
    }
  }
  // line numbers count if they are right for every hunk that can be checked
  const sure = found.filter(({ places }) => places.length === 1);
  const isRight = ({ change, places }: Found) => places.some((place) => firstOf(place) + 1 === change.line);
  if (sure.length > 0 && sure.every(isRight)) {
    for (const one of found.filter(({ places }) => places.length > 1)) {
      const exact = one.places.filter((place) => firstOf(place) + 1 === one.change.line);
      one.places = exact.length === 1 ? exact : one.places;
    }
  }
}

/** For each hunk, the place of the first later one whose place is settled. */
function settledAfter(found: readonly Found[]): (Place | undefined)[] {
  const after: (Place | undefined)[] = new Array(found.length);
  let next: Place | undefined;
  for (let index = found.length - 1; index >= 0; index--) {
    after[index] = next;
    const places = found[index]?.places ?? [];
    next = places.length === 1 ? places[0] : next;
  }
  return after;
}

function firstOf(place: Place): number {
  return place.find((line) => line !== undefined) ?? 0;
}

function lastOf(place: Place): number {
  return place.findLast((line) => line !== undefined) ?? 0;
}

function overlap(one: Place, other: Place): boolean {
  return firstOf(one) <= lastOf(other) && firstOf(other) <= lastOf(one);
}

function withHunk(lines: readonly string[], hunk: readonly HunkLine[], place: Place): readonly string[] {
  const old = hunk.filter(({ kind }) => kind !== 'new');
  const pairs = old.flatMap(({ text }, index): Pair[] => {
    const line = place[index];
    return line === undefined ? [] : [[text, lines[line] ?? '']];
  });
  const fresh = hunk.filter(({ kind }) => kind !== 'old').map(({ text }) => text);
  const [first, last] = [firstOf(place), lastOf(place)];
  const indent = new Reindenter(pairs, fresh, [], indentUnitNear(lines, first, last + 1));
  const out: string[] = lines.slice(0, first);
  let [at, index] = [first, 0];
  for (const { kind, text } of hunk) {
    if (kind === 'new') {
      out.push(indent.added(text));
      continue;
    }
    const line = place[index];
    index++;
    if (line === undefined) {
      continue;
    }
    // lines of the file that the hunk lacks are kept
    out.push(...lines.slice(at, line));
    if (kind === 'context') {
      out.push(indent.kept(text, [text, lines[line] ?? '']));
    }
    at = line + 1;
  }
  return [...out, ...lines.slice(at)];
}
