/**
 * Reads a diff: unified, as `git diff` prints it, or in the patch format that some models were trained on. Models often write
 * wrong line numbers and signs, or none.
 */

import { type Change, type FileChange, type HunkLine, joined } from './change-blocks';
import { pathOfLine } from './named-files';

interface Draft {
  from: string | undefined;
  to: string | undefined;
  kind: FileChange['kind'];
  isBinary: boolean;
  /** It has the header of git, which names the file before and after the change. */
  readonly isGit: boolean;
  hunks: Change[];
}

const hunkHead = /^@@+(?:\s.*)?$/;
const numbers = /^@@+ +-(\d+)(?:,(\d+))? +\+(\d+)(?:,(\d+))?/;
/** The maximum length of a path in a header. */
const maxHeader = 4096;
const gitHead = /^diff --git (.*)$/;
const patchFile = /^\*\*\* (Update|Add|Delete) File: *(?! )(.+)$/;

/** @returns undefined when the lines are not a diff */
export function readDiff(
  lines: readonly string[],
  language: string,
  named: readonly string[],
): FileChange[] | undefined {
  const isNamed = /^(?:diff|patch|udiff|git-?diff|unified-?diff|apply_patch)$/.test(language);
  if (/\.(?:diff|patch)$/i.test(named[0] ?? '') || !isDiff(lines, isNamed)) {
    return undefined;
  }
  const drafts: Draft[] = [];
  const current = () => {
    const last = drafts.at(-1);
    if (last !== undefined) {
      return last;
    }
    return begin();
  };
  const begin = (from?: string, to?: string, kind: FileChange['kind'] = 'change', isGit = false): Draft => {
    const draft: Draft = { from, to, kind, isBinary: false, isGit, hunks: [] };
    drafts.push(draft);
    return draft;
  };
  const isPatch = lines.some((line) => patchFile.test(line));
  const first = lines.findIndex((line) => line.trim() !== '');
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const git = gitHead.exec(line);
    const patch = isPatch ? patchFile.exec(line) : null;
    if (git !== null) {
      const [from, to] = gitPaths((git[1] ?? '').slice(0, 2 * maxHeader));
      begin(from, to, 'change', true);
      at++;
    } else if (patch !== null) {
      const path = (patch[2] ?? '').trim();
      begin(path, path, patch[1] === 'Add' ? 'new' : patch[1] === 'Delete' ? 'removed' : 'change');
      at++;
      if (patch[1] === 'Add') {
        at = readHunk(lines, at, current(), isPatch);
      }
    } else if (isFileHead(lines, at)) {
      const last = drafts.at(-1);
      const draft = last !== undefined && last.hunks.length === 0 && !isPatch ? last : begin();
      readFileHead(draft, pathIn(line.slice(4)), pathIn((lines[at + 1] ?? '').slice(4)));
      at += 2;
    } else if (isHalfHead(lines, at)) {
      const draft = drafts.at(-1)?.hunks.length === 0 ? current() : begin();
      const path = pathIn(line.slice(4));
      readFileHead(draft, line.startsWith('-') ? path : draft.from, line.startsWith('-') ? draft.to : path);
      at++;
    } else if (drafts.length === 0 && at === first && named.length === 0 && pathOfLine(line) !== undefined) {
      begin(pathOfLine(line));
      at++;
    } else if (hunkHead.test(line)) {
      at = readHunk(lines, at, current(), isPatch);
    } else if (/^[ +\-\\]/.test(line) && !isFileHead(lines, at) && (drafts.at(-1)?.hunks.length ?? 0) === 0) {
      // lines with signs but without a hunk header
      at = readHunk(lines, at, current(), isPatch);
    } else {
      readExtended(drafts.at(-1), line);
      at++;
    }
  }
  const files = drafts.flatMap((draft) => fileOf(draft, named));
  return files.length === 0 ? undefined : files;
}

function isDiff(lines: readonly string[], isNamed: boolean): boolean {
  const signed = lines.some((line) => /^[+-]/.test(line));
  if (isNamed) {
    return signed || lines.some((line) => /^(?:rename to |deleted file|\*\*\* Delete File: )/.test(line));
  }
  const first = lines.find((line) => line.trim() !== '') ?? '';
  if (gitHead.test(first) || /^\*\*\* Begin Patch/.test(first) || (isPatchHead(lines) && patchFile.test(first))) {
    return true;
  }
  const start = lines.indexOf(first);
  if (isFileHead(lines, start) && lines.slice(start + 2).some((line) => hunkHead.test(line))) {
    return true;
  }
  // a single hunk, all of whose lines have signs
  return numbers.test(first) && signed && lines.slice(start + 1).every((line) => /^(?:[ +\-\\]|@@|$)/.test(line));
}

function isPatchHead(lines: readonly string[]): boolean {
  return lines.some((line) => /^\*\*\* (?:End Patch|(?:Update|Add|Delete) File: )/.test(line));
}

/** Whether two lines are `---` and `+++` of a file header, and not removed and added lines that begin with `--` and `++`. */
function isFileHead(lines: readonly string[], at: number): boolean {
  const [old, fresh] = [lines[at] ?? '', lines[at + 1] ?? ''];
  if (!/^--- \S/.test(old) || !/^\+\+\+ \S/.test(fresh)) {
    return false;
  }
  const next = lines.slice(at + 2, at + 5).find((line) => line.trim() !== '');
  const [from, to] = [pathIn(old.slice(4)), pathIn(fresh.slice(4))];
  const looksRight = [from, to].every((path) => path === undefined || /[./\\]|^[A-Z]\w+$/.test(path));
  return looksRight && (next === undefined || hunkHead.test(next) || /^[ +-]/.test(next));
}

/** Whether a line is one of the two of a file header, followed by a hunk. */
function isHalfHead(lines: readonly string[], at: number): boolean {
  return /^(?:---|\+\+\+) \S/.test(lines[at] ?? '') && hunkHead.test(lines[at + 1] ?? '');
}

function readFileHead(draft: Draft, from: string | undefined, to: string | undefined): void {
  if (from === undefined && to !== undefined) {
    draft.kind = 'new';
  } else if (to === undefined && from !== undefined) {
    draft.kind = 'removed';
  }
  draft.from = from ?? draft.from;
  draft.to = to ?? draft.to;
}

/** Reads an extended header line of git, between the names and the hunks. */
function readExtended(draft: Draft | undefined, line: string): void {
  if (draft === undefined) {
    return;
  }
  const rename = /^rename (from|to) (.+)$/.exec(line) ?? /^\*\*\* Move (to): *(?! )(.+)$/.exec(line);
  if (rename !== null) {
    draft.kind = 'renamed';
    if (rename[1] === 'from') {
      draft.from = unquoted(rename[2] ?? '');
    } else {
      draft.to = unquoted(rename[2] ?? '').trim();
    }
  } else if (/^new file mode/.test(line)) {
    draft.kind = 'new';
  } else if (/^deleted file mode/.test(line)) {
    draft.kind = 'removed';
  } else if (/^(?:Binary files .* differ|GIT binary patch)/.test(line)) {
    draft.isBinary = true;
  }
}

/** Reads a hunk. @returns the index of the line after it */
function readHunk(lines: readonly string[], start: number, draft: Draft, isPatch: boolean): number {
  const head = hunkHead.test(lines[start] ?? '') ? numbers.exec(lines[start] ?? '') : null;
  let at = hunkHead.test(lines[start] ?? '') ? start + 1 : start;
  let oldLeft = Number(head?.[2] ?? 1);
  let newLeft = Number(head?.[4] ?? 1);
  const counts = head !== null;
  const read: (HunkLine & { readonly bare: boolean })[] = [];
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const isIn = counts && (oldLeft > 0 || newLeft > 0);
    if (hunkHead.test(line) || gitHead.test(line) || (isPatch && /^\*\*\* /.test(line))) {
      break;
    }
    if (isFileHead(lines, at) && (!isIn || hunkHead.test(lines[at + 2] ?? ''))) {
      break;
    }
    if (/^(?:Index: |diff -|index [\da-f]{4,}\.\.)/.test(line) && !isIn) {
      break;
    }
    if (line.startsWith('\\')) {
      continue;
    }
    const sign = line[0];
    const kind = sign === '+' ? 'new' : sign === '-' ? 'old' : 'context';
    const bare = kind === 'context' && sign !== ' ';
    read.push({ kind, text: bare ? line : line.slice(1), bare });
    oldLeft -= kind === 'new' ? 0 : 1;
    newLeft -= kind === 'old' ? 0 : 1;
  }
  // unless the line numbers say otherwise, empty lines at the end belong to the block around the diff
  while (read.at(-1)?.bare === true && read.at(-1)?.text === '' && !(counts && oldLeft === 0 && newLeft === 0)) {
    read.pop();
    oldLeft++;
    newLeft++;
  }
  const line = Number(head?.[1] ?? 0);
  if (read.some(({ kind }) => kind !== 'context')) {
    const hunk = read.map(
      ({ kind, text, bare: isBare }): HunkLine => ({ kind, text, ...(isBare ? { bare: true } : {}) }),
    );
    draft.hunks.push({
      search: joined(hunk.filter(({ kind }) => kind !== 'new').map(({ text }) => text)),
      replace: joined(hunk.filter(({ kind }) => kind !== 'old').map(({ text }) => text)),
      hunk,
      ...(line > 0 ? { line } : {}),
    });
  }
  return at;
}

function fileOf({ from, to, kind, isBinary, isGit, hunks }: Draft, named: readonly string[]): FileChange[] {
  const hasLetters = isLettered(from, 'a') && isLettered(to, 'b');
  const name = (path: string) => (hasLetters ? bare(path) : path.replace(/^\.\//, ''));
  const isOther = from !== undefined && to !== undefined && name(from) !== name(to);
  const isRenamed = kind === 'renamed' || (isGit && kind === 'change' && isOther);
  if (isBinary || (hunks.length === 0 && kind === 'change' && !isRenamed)) {
    return [];
  }
  // the old side may be a backup copy of the file
  const isCopy = from !== undefined && /\.(?:orig|old|bak)$|^(?:old|orig|before)[\\/]/i.test(from);
  const order =
    kind === 'new' || (isCopy && !isRenamed) ? [to, from] : isOther && !isRenamed ? [from, to] : [from ?? to];
  const all = order.filter((path) => path !== undefined);
  const paths = all.length === 0 ? named : [...new Set([...all.map(name), ...all.map(bare), ...all])];
  return isRenamed
    ? [{ kind: 'renamed', paths, to: name(to ?? ''), changes: hunks }]
    : [{ kind, paths, changes: hunks }];
}

/** Whether a name has the prefix of its side, `a/` or `b/`, or one of git's mnemonic prefixes. */
function isLettered(path: string | undefined, letter: string): boolean {
  return path === undefined || path.startsWith(`${letter}/`) || /^[iwco]\//.test(path);
}

/** @returns the path without the prefix that git adds */
function bare(path: string): string {
  return path.replace(/^(?:[ab]|[iwco])\/(?=.)/, '').replace(/^\.\//, '');
}

/** @returns the path of a header line without the time that `diff` appends; undefined for /dev/null */
function pathIn(rest: string): string | undefined {
  const [named = ''] = rest.slice(0, maxHeader).split('\t');
  const time = named.search(/\d{4}-\d\d-\d\d/);
  const path = unquoted((time > 0 && /\s/.test(named[time - 1] ?? '') ? named.slice(0, time) : named).trim());
  return path === '/dev/null' || path === 'dev/null' ? undefined : path;
}

function gitPaths(rest: string): [string | undefined, string | undefined] {
  const quoted = /^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)$/.exec(rest.trim());
  if (quoted !== null) {
    return [unquoted(quoted[1] ?? ''), unquoted(quoted[2] ?? '')];
  }
  // names with spaces: the same name twice, each after a prefix
  const middle = (rest.trim().length - 1) / 2;
  const [from, to] = [rest.trim().slice(0, middle), rest.trim().slice(middle + 1)];
  return bare(from) === bare(to) ? [from, to] : [undefined, undefined];
}

/** Decodes a name that git has quoted: C escapes, and bytes of UTF-8 in octal. */
function unquoted(path: string): string {
  if (!/^".*"$/.test(path)) {
    return path;
  }
  const bytes: number[] = [];
  const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11 };
  for (const [piece, octal, letter] of path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gu)) {
    if (octal !== undefined) {
      bytes.push(Number.parseInt(octal, 8));
    } else if (letter !== undefined && Object.hasOwn(escapes, letter)) {
      bytes.push(escapes[letter] ?? 0);
    } else {
      for (const byte of new TextEncoder().encode(letter ?? piece)) {
        bytes.push(byte);
      }
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
