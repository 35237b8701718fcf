/**
 * The rules of one ignore file. The last one that matches decides. Names, paths and endings without wildcards, which most
 * rules are, are found in tables; the others are tried one by one, the last first.
 */

import { foldCase, type IgnorePattern, parseIgnorePattern, toBytes, trimEnd } from './gitignore-pattern';
import { GlobMatcher, type StepCounter } from './glob';
import { maxPatternSteps, type Pace } from './match-pace';

/** Limits of one ignore file. Real files stay far below; rules over a limit are dropped and named. */
export const ignoreFileLimits = {
  bytes: 512 * 1024,
  rules: 20_000,
  /** Bytes of a pattern with wildcards, and of one without (the longest path that there can be). */
  wildcardPattern: 512,
  plainPattern: 4096,
  /** Bytes of all patterns with wildcards. */
  wildcardBytes: 64 * 1024,
};

/** A file or folder below the folder that the rules are about; names as strings of bytes. */
export interface RuledEntry {
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
}

interface WildcardRule {
  readonly index: number;
  readonly line: number;
  readonly pattern: IgnorePattern;
  readonly matcher: GlobMatcher;
  readonly spent: StepCounter;
}

/** Index of the last rule for any entry, and of the last one for folders alone; -1: none. */
interface Lookup {
  any: number;
  folders: number;
}

export class RuleList {
  readonly #fold: boolean;
  readonly #negative: boolean[] = [];
  readonly #names = new Map<string, Lookup>();
  readonly #paths = new Map<string, Lookup>();
  readonly #endings = new Map<string, Lookup>();
  readonly #endingLengths = new Set<number>();
  readonly #wildcards: WildcardRule[] = [];
  readonly #problems: string[] = [];
  #wildcardBytes = 0;

  /** @param isCut whether the file has more bytes @param fold whether case is ignored, as by `core.ignorecase` */
  constructor(bytes: Uint8Array, { isCut, fold }: { readonly isCut: boolean; readonly fold: boolean }) {
    this.#fold = fold;
    this.#read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), isCut);
  }

  get size(): number {
    return this.#negative.length;
  }

  get wildcardBytes(): number {
    return this.#wildcardBytes;
  }

  /** Clauses on the rules that were dropped, to follow the file's name. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** @returns true: ignored; false: taken back; undefined: no rule matches */
  async decide(entry: RuledEntry, pace: Pace): Promise<boolean | undefined> {
    const { path, name, isFolder } = this.#fold ? folded(entry) : entry;
    const lookUp = (found: Lookup | undefined) =>
      found === undefined ? -1 : isFolder ? Math.max(found.any, found.folders) : found.any;
    let last = Math.max(lookUp(this.#names.get(name)), lookUp(this.#paths.get(path)));
    for (const length of this.#endingLengths) {
      if (length <= name.length) {
        last = Math.max(last, lookUp(this.#endings.get(name.slice(name.length - length))));
      }
    }
    for (const rule of this.#wildcards.toReversed()) {
      const { pattern, matcher, spent, index } = rule;
      if (index < last) {
        break;
      }
      if (pattern.foldersOnly && !isFolder) {
        continue;
      }
      const before = pace.steps;
      const isMatch = matcher.matches(pattern.nameOnly ? name : path, pace);
      spent.steps += pace.steps - before;
      if (isMatch) {
        last = index;
        break;
      }
      if (spent.steps > maxPatternSteps) {
        this.#drop(rule);
      }
      if (pace.isDue) {
        await pace.makeWay();
      }
    }
    return last === -1 ? undefined : this.#negative[last] !== true;
  }

  /** Counts the steps of each rule from zero: a walk begins. */
  forgetSteps(): void {
    for (const { spent } of this.#wildcards) {
      spent.steps = 0;
    }
  }

  /** Drops all rules with wildcards: the walk takes too long with them. */
  dropWildcards(): void {
    const count = this.#wildcards.splice(0).length;
    if (count > 0) {
      this.#problems.push(`takes too long to match: ${count} patterns with wildcards are not applied`);
    }
  }

  #drop(rule: WildcardRule): void {
    const at = this.#wildcards.indexOf(rule);
    if (at !== -1) {
      this.#wildcards.splice(at, 1);
      this.#problems.push(`has a pattern in line ${rule.line} that takes too long to match: it is not applied`);
    }
  }

  #read(text: string, isCut: boolean): void {
    const limits = ignoreFileLimits;
    let line = 0;
    // a byte order mark
    let from = text.startsWith('\xef\xbb\xbf') ? 3 : 0;
    while (from < text.length) {
      const end = text.indexOf('\n', from);
      if (end === -1 && isCut) {
        break;
      }
      line++;
      let rule = text.slice(from, end === -1 ? text.length : end);
      from = end === -1 ? text.length : end + 1;
      if (rule === '' || rule.startsWith('#')) {
        continue;
      }
      if (this.size >= limits.rules) {
        this.#problems.push(
          `has more than ${count(limits.rules)} rules: those from line ${count(line)} on are not applied`,
        );
        return;
      }
      if (rule.length > 2 * limits.plainPattern) {
        this.#refuse(line, limits.plainPattern);
        continue;
      }
      if (end !== -1 && rule.endsWith('\r')) {
        rule = rule.slice(0, -1);
      }
      // for git, a text ends at its first zero byte
      const zero = rule.indexOf('\0');
      this.#add(trimEnd(zero === -1 ? rule : rule.slice(0, zero)), line);
    }
    if (isCut) {
      this.#problems.push(
        `is larger than ${count(limits.bytes / 1024)} KB: its rules after line ${count(line)} are not applied`,
      );
    }
  }

  #add(rule: string, line: number): void {
    const pattern = rule === '' ? undefined : parseIgnorePattern(rule, this.#fold);
    if (pattern === undefined) {
      return;
    }
    const index = this.#negative.length;
    const { glob, nameOnly } = pattern;
    const [first, second] = glob;
    if (first?.kind === 'text' && second === undefined) {
      if (rule.length > ignoreFileLimits.plainPattern) {
        this.#refuse(line, ignoreFileLimits.plainPattern);
        return;
      }
      set(nameOnly ? this.#names : this.#paths, first.text, pattern, index);
    } else if (rule.length > ignoreFileLimits.wildcardPattern) {
      this.#refuse(line, ignoreFileLimits.wildcardPattern);
      return;
    } else if (nameOnly && first?.kind === 'many' && second?.kind === 'text' && glob.length === 2) {
      set(this.#endings, second.text, pattern, index);
      this.#endingLengths.add(second.text.length);
    } else {
      if (this.#wildcardBytes + rule.length > ignoreFileLimits.wildcardBytes) {
        this.#problems.push(`has too many patterns with wildcards: that in line ${count(line)} is not applied`);
        return;
      }
      this.#wildcardBytes += rule.length;
      this.#wildcards.push({ index, line, pattern, matcher: new GlobMatcher(glob), spent: { steps: 0 } });
    }
    this.#negative.push(pattern.negative);
  }

  #refuse(line: number, limit: number): void {
    this.#problems.push(
      `has a pattern of more than ${count(limit)} characters in line ${count(line)}: it is not applied`,
    );
  }
}

/** An entry as rules are matched against it. @param path below the folder that the rules are about */
export function ruledEntry(path: string, isFolder: boolean): RuledEntry {
  const bytes = toBytes(path);
  return { path: bytes, name: bytes.slice(bytes.lastIndexOf('/') + 1), isFolder };
}

function folded({ path, name, isFolder }: RuledEntry): RuledEntry {
  return { path: foldCase(path), name: foldCase(name), isFolder };
}

function set(map: Map<string, Lookup>, text: string, { foldersOnly }: IgnorePattern, index: number): void {
  const found = map.get(text) ?? { any: -1, folders: -1 };
  found[foldersOnly ? 'folders' : 'any'] = index;
  map.set(text, found);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
