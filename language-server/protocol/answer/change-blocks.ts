/** Search-and-replace blocks of an answer: old lines, a divider, new lines, between two marks. */

import { replaceLine, searchLine } from './fences';
import { pathOfLine } from './named-files';

/** Lines to be found once in a file, and what takes their place. */
export interface Change {
  readonly search: string;
  readonly replace: string;
  /**
   * The block has more lines that could be marks than it has marks: which of them are the file's own lines can only be
   * told with the file. All changes of such a block have the same one.
   */
  readonly block?: MarkedBlock;
  /** 1-based: where a diff says that the old lines begin. Models count badly. */
  readonly line?: number;
  /** A hunk of a diff: the place of each line in it is known. */
  readonly hunk?: readonly HunkLine[];
}

export interface MarkedBlock {
  readonly lines: readonly string[];
}

export interface HunkLine {
  readonly kind: 'context' | 'old' | 'new';
  readonly text: string;
  /** It stands in the diff without the column for its sign. */
  readonly bare?: boolean;
}

/** What an answer wants of one file. */
export interface FileChange {
  readonly kind: 'change' | 'new' | 'removed' | 'renamed';
  /** The files that may be meant, the likeliest first; empty: none is named. */
  readonly paths: readonly string[];
  /** The new name of a renamed one. */
  readonly to?: string;
  readonly changes: readonly Change[];
}

export const dividerLine = /^={5,9}\s*$/;

interface Reading {
  readonly files: FileChange[];
  /** A change has begun and does not end, or its marks make none. */
  readonly unfinished: boolean;
}

/** All complete search-and-replace blocks, each file's together; a path above one is that of those that follow. */
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
  // marks that make no change are no code either
  return { files: read, unfinished: unfinished || (read.length === 0 && lines.some((line) => searchLine.test(line))) };
}

/** Nothing but marks looks like a mark. */
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
