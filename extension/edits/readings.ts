/**
 * Decides which lines of a SEARCH/REPLACE block are its markers when lines of the file look like markers: git conflicts,
 * underlined titles, texts about this very format. The SEARCH part has to be in the file, and that decides it.
 */

import { type Change, dividerLine, joined } from '../../language-server/protocol/answer/change-blocks';
import { replaceLine, searchLine } from '../../language-server/protocol/answer/fences';

type Mark = 'start' | 'divider' | 'end';
type Reading =
  | { readonly change: Change; readonly next: number }
  | { readonly problem: string; readonly next: number | undefined };

/**
 * Finds the next change of a block.
 * @param from the line to search from; @param file the lines of the file with all earlier changes
 * @returns undefined when there is none
 */
export function nextReading(lines: readonly string[], from: number, file: readonly string[]): Reading | undefined {
  const { marks, ends, dividers: all, dividersBefore } = marksOf(lines);
  const start = marks.indexOf('start', from);
  if (start === -1) {
    return undefined;
  }
  const dividers = all.filter((at) => at > start);
  const [first] = dividers;
  if (first === undefined) {
    return { problem: 'its markers do not match.', next: undefined };
  }
  const read = (divider: number): Reading => {
    const end = ends[divider] ?? divider;
    const change = { search: joined(lines.slice(start + 1, divider)), replace: joined(lines.slice(divider + 1, end)) };
    return { change, next: end + 1 };
  };
  const fitting = dividersThatFit(lines, start, new Set(dividers), file);
  const last = fitting.at(-1);
  if (last === undefined) {
    // applying the change reports that it does not fit
    return read(first);
  }
  if (fitting.length > 1 && !isClear(lines, fitting, (divider) => ends[divider] ?? divider, start, dividersBefore)) {
    return {
      problem: `more than one of its “${(lines[last] ?? '').trim()}” lines could be the divider.`,
      next: (ends[last] ?? last) + 1,
    };
  }
  return read(last);
}

interface Marks {
  readonly marks: readonly (Mark | undefined)[];
  readonly ends: readonly (number | undefined)[];
  /** The dividers after which complete changes follow, ascending. */
  readonly dividers: readonly number[];
  /** For each line, and the one after the last, the number of earlier lines that look like dividers. */
  readonly dividersBefore: readonly number[];
}

/** Markers are found once for each block, however many changes it has. */
const marksOfBlocks = new WeakMap<readonly string[], Marks>();

function marksOf(lines: readonly string[]): Marks {
  const known = marksOfBlocks.get(lines);
  if (known !== undefined) {
    return known;
  }
  const marks = lines.map(markOf);
  const ends = endOfEach(marks);
  const covers = coverOf(marks, ends);
  const dividers = [...marks.keys()].filter((at) => {
    const end = ends[at];
    return marks[at] === 'divider' && end !== undefined && covers[end + 1] === true;
  });
  const dividersBefore = [0];
  let count = 0;
  for (const mark of marks) {
    count += mark === 'divider' ? 1 : 0;
    dividersBefore.push(count);
  }
  const result = { marks, ends, dividers, dividersBefore };
  marksOfBlocks.set(lines, result);
  return result;
}

function markOf(line: string): Mark | undefined {
  return searchLine.test(line)
    ? 'start'
    : dividerLine.test(line)
      ? 'divider'
      : replaceLine.test(line)
        ? 'end'
        : undefined;
}

/** @returns for each line, the end marker that closes the change around it; markers within new lines come in pairs */
function endOfEach(marks: readonly (Mark | undefined)[]): (number | undefined)[] {
  const ends: (number | undefined)[] = new Array(marks.length);
  const open: (number | undefined)[] = [];
  let end: number | undefined;
  for (let at = marks.length - 1; at >= 0; at--) {
    ends[at] = end;
    if (marks[at] === 'end') {
      open.push(end);
      end = at;
    } else if (marks[at] === 'start') {
      // before a start, that change is open which is open after its end
      end = open.pop();
    }
  }
  return ends;
}

/** @returns for each line, and the one after the last, whether only complete changes follow */
function coverOf(marks: readonly (Mark | undefined)[], ends: readonly (number | undefined)[]): boolean[] {
  const covers: boolean[] = new Array(marks.length + 1);
  covers[marks.length] = true;
  let anyDivider = false;
  for (let at = marks.length - 1; at >= 0; at--) {
    const mark = marks[at];
    const end = ends[at];
    covers[at] = mark === undefined ? covers[at + 1] === true : mark === 'start' && anyDivider;
    anyDivider ||= mark === 'divider' && end !== undefined && covers[end + 1] === true;
  }
  return covers;
}

/** @returns the dividers before which all lines match the file, ascending */
function dividersThatFit(
  lines: readonly string[],
  start: number,
  dividers: ReadonlySet<number>,
  file: readonly string[],
): number[] {
  const forms = file.map((line) => line.trim());
  const fitting: number[] = [];
  let places = forms.map((_, at) => at);
  const isBlank = forms.every((form) => form === '');
  let isWorded = false;
  for (let at = start + 1; at < lines.length && places.length > 0; at++) {
    const line = (lines[at] ?? '').trim();
    if (dividers.has(at) && (isWorded || isBlank)) {
      fitting.push(at);
    }
    // lines that all look like markers would match anywhere
    isWorded ||= line !== '' && markOf(line) === undefined;
    places = places.filter((place) => forms[place + at - start - 1] === line);
  }
  return fitting;
}

/**
 * Whether the last of the dividers that fit is meant. The lines between two of them continue in the file as they do in the
 * block, so they belong to the SEARCH part if they have any words. Otherwise the last divider is meant if it alone is as
 * long as the other markers, if it leaves as many possible dividers in the SEARCH part as in the REPLACE part, or if the
 * last line of the REPLACE part has no words.
 */
function isClear(
  lines: readonly string[],
  fitting: readonly number[],
  endOf: (divider: number) => number,
  start: number,
  dividersBefore: readonly number[],
): boolean {
  const last = fitting.at(-1) ?? 0;
  const says = (line: string) => line.trim() !== '' && markOf(line) === undefined;
  const isContinued = fitting.slice(0, -1).every((divider, index) => {
    const between = lines.slice(divider + 1, fitting[index + 1]);
    return between.some(says);
  });
  const count = (from: number, to: number) => (dividersBefore[to] ?? 0) - (dividersBefore[from] ?? 0);
  const isEven = (divider: number) => count(start + 1, divider) === count(divider + 1, endOf(divider));
  const width = (lines[start] ?? '').replace(/[^<]/g, '').length;
  const isLikeMarks = (divider: number) => (lines[divider] ?? '').trim().length === width;
  const others = fitting.slice(0, -1);
  const isOnly = (holds: (divider: number) => boolean) => holds(last) && !others.some(holds);
  const leavesNoTitle = (divider: number) => !/[\p{L}\p{N}]/u.test(lines[endOf(divider) - 1] ?? '');
  return isContinued || isOnly(isLikeMarks) || isOnly(isEven) || others.every(leavesNoTitle);
}
