/**
 * One line of an ignore file, as git reads it: gitignore(5), and `parse_path_pattern`, `match_basename`, `match_pathname`
 * in git's dir.c and `dowild` in its wildmatch.c. Git compares bytes: lines and paths come as strings of bytes (`toBytes`).
 */

import type { CharacterRange, CharacterSet, Glob, GlobPart } from './glob';

export interface IgnorePattern {
  /** The pattern begins with `!`: it takes back what an earlier one ignores. */
  readonly negative: boolean;
  readonly foldersOnly: boolean;
  /** The pattern has no slash: it matches a name in any folder, not a path below the ignore file's folder. */
  readonly nameOnly: boolean;
  readonly glob: Glob;
}

/** The text as one character for each byte of its UTF-8. */
export function toBytes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is the same in UTF-8
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** Folds the case of ASCII letters alone, as git does. */
export function foldCase(bytes: string): string {
  return bytes.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
}

/** Blanks at the end do not count, unless a backslash stands before the first of them. */
export function trimEnd(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ') {
    end--;
  }
  let backslashes = 0;
  while (line[end - 1 - backslashes] === '\\') {
    backslashes++;
  }
  // an odd backslash escapes the blank that follows it
  return line.slice(0, backslashes % 2 === 1 && end < line.length ? end + 1 : end);
}

/**
 * @param line a line without its end, neither empty nor a comment
 * @param fold `core.ignorecase`: small letters of the pattern's text and of the path that is compared
 * @returns undefined for a pattern that matches nothing
 */
export function parseIgnorePattern(line: string, fold: boolean): IgnorePattern | undefined {
  const negative = line.startsWith('!');
  let text = negative ? line.slice(1) : line;
  const foldersOnly = text.endsWith('/');
  text = foldersOnly ? text.slice(0, -1) : text;
  const nameOnly = !text.includes('/');
  text = text.startsWith('/') ? text.slice(1) : text;
  if (text === '') {
    return undefined;
  }
  const glob = parseGlob(text, { inPath: !nameOnly, fold });
  return glob === undefined ? undefined : { negative, foldersOnly, nameOnly, glob };
}

interface Dialect {
  /** Only a slash, and `**` between two of them, matches a slash. */
  readonly inPath: boolean;
  readonly fold: boolean;
}

function parseGlob(text: string, { inPath, fold }: Dialect): Glob | undefined {
  const parts: GlobPart[] = [];
  let plain = '';
  const add = (part: GlobPart) => {
    if (plain !== '') {
      parts.push({ kind: 'text', text: fold ? foldCase(plain) : plain });
      plain = '';
    }
    parts.push(part);
  };
  // git compares what stands before the first special character by itself, so that `**` right after it begins a pattern
  const begin = text.search(/[*?[\\]/);
  for (let at = 0; at < text.length; ) {
    const character = text[at];
    if (character === '\\') {
      if (at + 1 === text.length) {
        return undefined;
      }
      plain += text[at + 1];
      at += 2;
    } else if (character === '?') {
      add({ kind: 'one', slash: !inPath });
      at++;
    } else if (character === '*') {
      const end = skipStars(text, at);
      const part = inPath ? starsInPath(text, at, end, at === begin || text[at - 1] === '/') : undefined;
      add(part ?? { kind: 'many', slash: !inPath });
      at = part?.kind === 'folders' ? end + 1 : end;
    } else if (character === '[') {
      const parsed = parseClass(text, at + 1, fold);
      if (parsed === undefined) {
        return undefined;
      }
      add({ kind: 'class', set: parsed.set, slash: !inPath });
      at = parsed.end;
    } else {
      plain += character;
      at++;
    }
  }
  if (plain !== '') {
    parts.push({ kind: 'text', text: fold ? foldCase(plain) : plain });
  }
  return parts;
}

function skipStars(text: string, from: number): number {
  let end = from;
  while (text[end] === '*') {
    end++;
  }
  return end;
}

/** Reads two or more stars between slashes. @returns undefined: they mean the same as one star */
function starsInPath(text: string, from: number, end: number, isBegin: boolean): GlobPart | undefined {
  if (end - from < 2 || !isBegin) {
    return undefined;
  }
  if (text[end] === '/') {
    return { kind: 'folders' };
  }
  const isLast = end === text.length || (text[end] === '\\' && text[end + 1] === '/');
  return isLast ? { kind: 'many', slash: true } : undefined;
}

/**
 * Reads `[a-z]`, `[!a]`, `[[:digit:]_]` as `dowild` does.
 * @param from the character after the bracket
 * @returns undefined for a class without an end, or with an unknown name: it matches nothing
 */
function parseClass(text: string, from: number, fold: boolean): { set: CharacterSet; end: number } | undefined {
  const negated = text[from] === '!' || text[from] === '^';
  const ranges: CharacterRange[] = [];
  const addCode = (first: number, last = first, capitals = false) => ranges.push({ first, last, capitals });
  let at = negated ? from + 1 : from;
  let previous = -1;
  // a closing bracket is a member of the class where it comes first
  do {
    let code = text.charCodeAt(at);
    const next = text[at + 1];
    if (Number.isNaN(code)) {
      return undefined;
    }
    if (text[at] === '\\') {
      code = text.charCodeAt(++at);
      addCode(code);
    } else if (text[at] === '-' && previous >= 0 && next !== undefined && next !== ']') {
      at += next === '\\' ? 2 : 1;
      addCode(previous, text.charCodeAt(at), fold);
      code = -1;
    } else if (text[at] === '[' && next === ':') {
      const end = text.indexOf(']', at + 2);
      if (end === -1) {
        return undefined;
      }
      if (end > at + 2 && text[end - 1] === ':') {
        const named = namedClasses.get(text.slice(at + 2, end - 1));
        if (named === undefined) {
          return undefined;
        }
        for (const [first, last] of named) {
          addCode(first, last, fold && first === 65);
        }
        at = end;
        code = -1;
      } else {
        addCode(code);
      }
    } else {
      addCode(code);
    }
    if (at >= text.length) {
      return undefined;
    }
    previous = code;
    at++;
  } while (text[at] !== ']');
  return { set: { negated, ranges }, end: at + 1 };
}

const digits = [48, 57] as const;
const capitals = [65, 90] as const;
const small = [97, 122] as const;

/** ASCII characters by name, as in git's own table. */
const namedClasses: ReadonlyMap<string, readonly (readonly [number, number])[]> = new Map([
  ['alnum', [digits, capitals, small]],
  ['alpha', [capitals, small]],
  ['blank', [[9, 9] as const, [32, 32] as const]],
  ['cntrl', [[0, 31] as const, [127, 127] as const]],
  ['digit', [digits]],
  ['graph', [[33, 126] as const]],
  ['lower', [small]],
  ['print', [[32, 126] as const]],
  ['punct', [[33, 47] as const, [58, 64] as const, [91, 96] as const, [123, 126] as const]],
  ['space', [[9, 10] as const, [13, 13] as const, [32, 32] as const]],
  ['upper', [capitals]],
  ['xdigit', [digits, [65, 70] as const, [97, 102] as const]],
]);
