/**
 * Globs as VS Code's `files.exclude` has them, from the folder's root: `src/*.js` means that place alone, `**` any depth,
 * `{a,b}` either, `[a-z]` and `[!a]` one character. A match of a folder leaves out all that is in it; a glob
 * that ends with a slash is about folders alone.
 */

import {
  type CharacterRange,
  type CharacterSet,
  type Glob,
  GlobMatcher,
  type GlobPart,
  type StepCounter,
} from './glob';
import { maxPatternSteps, type Pace } from './match-pace';

/** Limits of the globs in settings, which a workspace can set: globs over a limit are dropped and named. */
const globLimits = {
  globs: 1000,
  characters: 512,
  /** The sum over all globs. */
  charactersInAll: 64 * 1024,
};

interface ExcludeGlob {
  readonly text: string;
  readonly foldersOnly: boolean;
  readonly matcher: GlobMatcher;
  readonly spent: StepCounter;
}

export class ExcludeGlobs {
  readonly #globs: ExcludeGlob[] = [];
  readonly #problems: string[] = [];

  constructor(globs: readonly string[]) {
    let left = globLimits.charactersInAll;
    for (const glob of globs.slice(0, globLimits.globs)) {
      const text = glob.trim();
      if (text.length > Math.min(left, globLimits.characters)) {
        this.#problems.push(`The setting that excludes ${shortened(text)} is not applied: it is too long.`);
        continue;
      }
      const foldersOnly = /[^/\\][/\\]$/.test(text);
      const parts = parseExcludeGlob(foldersOnly ? text.slice(0, -1) : text);
      if (parts !== undefined) {
        left -= text.length;
        this.#globs.push({ text, foldersOnly, matcher: new GlobMatcher(parts), spent: { steps: 0 } });
      }
    }
    if (globs.length > globLimits.globs) {
      this.#problems.push(`Only the first ${globLimits.globs} settings that exclude files are applied.`);
    }
  }

  /** Whole sentences on the globs that were dropped. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** @param path below the folder */
  async excludes(path: string, isFolder: boolean, pace: Pace): Promise<boolean> {
    for (const glob of [...this.#globs]) {
      if (glob.foldersOnly && !isFolder) {
        continue;
      }
      const before = pace.steps;
      const isMatch = glob.matcher.matches(path, pace);
      glob.spent.steps += pace.steps - before;
      if (isMatch) {
        return true;
      }
      if (glob.spent.steps > maxPatternSteps) {
        this.#drop(glob);
      }
      if (pace.isDue) {
        await pace.makeWay();
      }
    }
    return false;
  }

  /** Counts the steps of each glob from zero: a walk begins. */
  forgetSteps(): void {
    for (const { spent } of this.#globs) {
      spent.steps = 0;
    }
  }

  /** Drops all globs: the walk takes too long with them. */
  drop(): void {
    for (const glob of [...this.#globs]) {
      this.#drop(glob);
    }
  }

  #drop(glob: ExcludeGlob): void {
    const at = this.#globs.indexOf(glob);
    if (at !== -1) {
      this.#globs.splice(at, 1);
      this.#problems.push(
        `The setting that excludes ${shortened(glob.text)} is not applied: it takes too long to match.`,
      );
    }
  }
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** @returns undefined for a glob that matches nothing */
export function parseExcludeGlob(glob: string): Glob | undefined {
  const text = glob.trim().replaceAll('\\', '/').replace(/^\//, '');
  if (text === '' || text.startsWith('!') || text.startsWith('#') || /[\r\n]/.test(text)) {
    return undefined;
  }
  return new GlobParser(text).parse();
}

class GlobParser {
  readonly #text: string;
  /** For the index of an opening brace, the index of its closing one. A brace without a partner stands for itself. */
  readonly #closing: ReadonlyMap<number, number>;

  constructor(text: string) {
    this.#text = text;
    this.#closing = pairsOfBraces(text);
  }

  parse(): Glob {
    return this.#parse(0, this.#text.length, true, true);
  }

  /**
   * @param begins whether the part is at the beginning of a name @param ends whether it is at the end of one
   */
  #parse(from: number, to: number, begins: boolean, ends: boolean): Glob {
    const text = this.#text;
    const parts: GlobPart[] = [];
    const isBegin = (at: number) => (at === from ? begins : text[at - 1] === '/');
    const isEnd = (at: number) => (at === to ? ends : text[at] === '/');
    let plain = '';
    const add = (part: GlobPart) => {
      if (plain !== '') {
        parts.push({ kind: 'text', text: plain });
        plain = '';
      }
      parts.push(part);
    };
    for (let at = from; at < to; ) {
      const closing = this.#closing.get(at);
      const set = text[at] === '[' ? parseSet(text, at + 1, to) : undefined;
      if (closing !== undefined) {
        const limits = this.#choices(at, closing);
        const choices = limits.map(([start, end]) => this.#parse(start, end, isBegin(at), isEnd(closing + 1)));
        add({ kind: 'either', choices });
        at = closing + 1;
      } else if (set !== undefined) {
        add({ kind: 'class', set: set.set, slash: false });
        at = set.end;
      } else if (text[at] === '?') {
        add({ kind: 'one', slash: false });
        at++;
      } else if (text[at] === '*') {
        const start = at;
        while (at < to && text[at] === '*') {
          at++;
        }
        const isAlone = at - start > 1 && isBegin(start) && isEnd(at);
        if (isAlone && at < to) {
          add({ kind: 'folders' });
          at++;
        } else {
          add({ kind: 'many', slash: isAlone });
        }
      } else {
        plain += text[at];
        at++;
      }
    }
    if (plain !== '') {
      parts.push({ kind: 'text', text: plain });
    }
    return parts;
  }

  /** Where the choices between two braces begin and end. */
  #choices(opening: number, closing: number): [number, number][] {
    const choices: [number, number][] = [];
    let start = opening + 1;
    for (let at = start; at < closing; at++) {
      const inner = this.#closing.get(at);
      if (inner !== undefined) {
        at = inner;
      } else if (this.#text[at] === ',') {
        choices.push([start, at]);
        start = at + 1;
      }
    }
    choices.push([start, closing]);
    return choices;
  }
}

function pairsOfBraces(text: string): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') {
      open.push(at);
    } else if (text[at] === '}') {
      const opening = open.pop();
      if (opening !== undefined) {
        pairs.set(opening, at);
      }
    }
  }
  return pairs;
}

/** @returns undefined where no bracket closes the set: then its bracket stands for itself */
function parseSet(text: string, from: number, to: number): { set: CharacterSet; end: number } | undefined {
  const negated = text[from] === '!' || text[from] === '^';
  const begin = negated ? from + 1 : from;
  const closing = text.indexOf(']', begin + 1);
  if (closing === -1 || closing >= to) {
    return undefined;
  }
  const ranges: CharacterRange[] = [];
  for (let at = begin; at < closing; at++) {
    const first = text.charCodeAt(at);
    const isRange = text[at + 1] === '-' && at + 2 < closing;
    ranges.push({ first, last: isRange ? text.charCodeAt(at + 2) : first, capitals: false });
    at += isRange ? 2 : 0;
  }
  return { set: { negated, ranges }, end: closing + 1 };
}
