/** Reads SEARCH/REPLACE blocks of an answer: old lines, a divider and new lines between two markers. */

import { replaceLine, searchLine } from './fences';
import { pathOfLine } from './named-files';

/** Lines to find exactly once in a file, and their replacement. */
export interface Change {
  readonly search: string;
  readonly replace: string;
  /**
   * Set if the block has more lines that look like markers than it has markers: only the file shows which of them are lines of
   * the file. All changes of such a block share one object.
   */
  readonly block?: MarkedBlock;
  /** The 1-based line where the old lines begin according to a diff. Models count badly. */
  readonly line?: number;
  /** The lines of the hunk, for a change that comes from a diff. */
  readonly hunk?: readonly HunkLine[];
}

export interface MarkedBlock {
  readonly lines: readonly string[];
}

export interface HunkLine {
  readonly kind: 'context' | 'old' | 'new';
  readonly text: string;
  /** The line is in the diff without the column for its sign. */
  readonly bare?: boolean;
}

/** What an answer does to one file. */
export interface FileChange {
  readonly kind: 'change' | 'new' | 'removed' | 'renamed';
  /** The files that may be meant, the most likely first; empty when none is named. */
  readonly paths: readonly string[];
  /** The new path of a renamed file. */
  readonly to?: string;
  readonly changes: readonly Change[];
}

export const dividerLine = /^={5,9}\s*$/;

interface Reading {
  readonly files: FileChange[];
  /** A change has no end, or its markers do not form one. */
  readonly unfinished: boolean;
}

/** Reads all complete SEARCH/REPLACE blocks by file. The path above a block is also that of those that follow. */
export function readChanges(lines: readonly string[], named: readonly string[]): Reading {
  const files: { paths: readonly string[]; changes: Change[]; first: number }[] = [];
  let search: string[] | undefined;
  let replace: string[] | undefined;
  let start = 0;
  for (const [index, line] of lines.entries()) {
    if (searchLine.test(line) && replace === undefined) {
      const isNext = search === undefined;
      search = [];
      start = index;
      const path = isNext ? pathAbove(lines, index) : undefined;
      if (files.length === 0 || (path !== undefined && path !== files.at(-1)?.paths[0])) {
        files.push({ paths: path === undefined ? named : [path], changes: [], first: index });
      }
    } else if (search !== undefined && replace === undefined && dividerLine.test(line)) {
      replace = [];
    } else if (search !== undefined && replace !== undefined && replaceLine.test(line)) {
      files.at(-1)?.changes.push({ search: joined(search), replace: joined(replace) });
      search = undefined;
      replace = undefined;
    } else {
      (replace ?? search)?.push(line);
    }
  }
  const unfinished = search !== undefined && !lines.slice(start).some((line) => replaceLine.test(line));
  const end = unfinished ? start : lines.length;
  const read = files.flatMap(({ paths, changes, first }, index): FileChange[] => {
    const own = lines.slice(first, Math.min(end, files[index + 1]?.first ?? end));
    const block: MarkedBlock | undefined = isPlain(own) ? undefined : { lines: own };
    const marked = block === undefined ? changes : changes.map((change) => ({ ...change, block }));
    return changes.length === 0 ? [] : [{ kind: 'change', paths, changes: marked }];
  });
  // markers that form no change are no code either
  return { files: read, unfinished: unfinished || (read.length === 0 && lines.some((line) => searchLine.test(line))) };
}

/** Whether only the markers look like markers. */
function isPlain(lines: readonly string[]): boolean {
  const marks = lines.flatMap((line) =>
    searchLine.test(line) ? ['s'] : dividerLine.test(line) ? ['d'] : replaceLine.test(line) ? ['e'] : [],
  );
  return /^(?:sde)*$/.test(marks.join(''));
}

function pathAbove(lines: readonly string[], index: number): string | undefined {
  const above = lines[index - 1] ?? '';
  return replaceLine.test(above) ? undefined : pathOfLine(above);
}

export function joined(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
