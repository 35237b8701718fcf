/**
 * Patterns of file names, matched in bounded time. A pattern becomes a non-deterministic automaton, all of whose states are
 * followed at once (Thompson 1968): no pattern and no text takes more than states times characters, where a regular
 * expression that backtracks takes time without end. Both dialects that we read become such parts: those of ignore files
 * (gitignore-pattern.ts) and those of the editor's settings (exclude-globs.ts).
 */

export type GlobPart =
  | { readonly kind: 'text'; readonly text: string }
  /** One character. */
  | { readonly kind: 'one'; readonly slash: boolean }
  /** Any number of characters. */
  | { readonly kind: 'many'; readonly slash: boolean }
  /** Nothing, or anything that ends with a slash. */
  | { readonly kind: 'folders' }
  | { readonly kind: 'class'; readonly set: CharacterSet; readonly slash: boolean }
  | { readonly kind: 'either'; readonly choices: readonly Glob[] };

export type Glob = readonly GlobPart[];

export interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly CharacterRange[];
}

export interface CharacterRange {
  readonly first: number;
  readonly last: number;
  /** Whether the capital of a small letter matches as well. */
  readonly capitals: boolean;
}

/** Counts the work: one step is one state tried on one character. */
export interface StepCounter {
  steps: number;
}

type Test = (code: number) => boolean;

/**
 * With a test, a state consumes a character that passes it and leads to `next[0]`; without one, it leads to all of
 * `next` at once.
 */
interface State {
  readonly test: Test | undefined;
  next: readonly number[];
}

const slash = 47;
const isAny: Test = () => true;
const isSlash: Test = (code) => code === slash;
const isNoSlash: Test = (code) => code !== slash;
const accept = 0;

export class GlobMatcher {
  /** What a match begins and ends with: most texts are rejected by these alone. */
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #parts: Glob;
  #automaton: Automaton | undefined;

  constructor(parts: Glob) {
    this.#parts = parts;
    this.#prefix = textOf(parts.at(0));
    this.#suffix = textOf(parts.at(-1));
  }

  matches(text: string, counter: StepCounter): boolean {
    if (!text.startsWith(this.#prefix) || !text.endsWith(this.#suffix)) {
      return false;
    }
    this.#automaton ??= new Automaton(this.#parts);
    return this.#automaton.accepts(text, counter);
  }
}

function textOf(part: GlobPart | undefined): string {
  return part?.kind === 'text' ? part.text : '';
}

class Automaton {
  readonly #states: State[] = [{ test: undefined, next: [] }];
  readonly #start: number;
  /** For each state, the last round in which it was reached. */
  readonly #reached: Float64Array;
  #round = 0;
  readonly #stack: number[] = [];

  constructor(parts: Glob) {
    this.#start = this.#build(parts, accept);
    this.#reached = new Float64Array(this.#states.length);
  }

  accepts(text: string, counter: StepCounter): boolean {
    let open: number[] = [];
    let next: number[] = [];
    this.#enter(this.#start, open, counter);
    for (let at = 0; at < text.length && open.length > 0; at++) {
      const code = text.charCodeAt(at);
      this.#round++;
      next.length = 0;
      for (const index of open) {
        const state = this.#states[index];
        counter.steps++;
        if (state?.test?.(code) === true) {
          this.#enter(state.next[0] ?? accept, next, counter);
        }
      }
      [open, next] = [next, open];
    }
    this.#round++;
    return open.includes(accept);
  }

  /** Adds a state and those that it leads to at once, each once in a round. */
  #enter(state: number, open: number[], counter: StepCounter): void {
    this.#stack.push(state);
    for (let index = this.#stack.pop(); index !== undefined; index = this.#stack.pop()) {
      if (this.#reached[index] === this.#round + 1) {
        continue;
      }
      counter.steps++;
      this.#reached[index] = this.#round + 1;
      const { test, next } = this.#states[index] ?? { test: undefined, next: [] };
      if (test !== undefined || index === accept) {
        open.push(index);
      } else {
        this.#stack.push(...next);
      }
    }
  }

  #add(test: Test | undefined, ...next: number[]): number {
    return this.#states.push({ test, next }) - 1;
  }

  /** Builds the states from the last part to the first. @returns the state that the parts begin in */
  #build(parts: Glob, end: number): number {
    let next = end;
    for (const part of [...parts].reverse()) {
      next = this.#buildPart(part, next);
    }
    return next;
  }

  #buildPart(part: GlobPart, next: number): number {
    switch (part.kind) {
      case 'text': {
        let at = next;
        for (let index = part.text.length - 1; index >= 0; index--) {
          const wanted = part.text.charCodeAt(index);
          at = this.#add((code) => code === wanted, at);
        }
        return at;
      }
      case 'one':
        return this.#add(part.slash ? isAny : isNoSlash, next);
      case 'many':
        return this.#loop(part.slash ? isAny : isNoSlash, next);
      case 'folders':
        return this.#add(undefined, next, this.#loop(isAny, this.#add(isSlash, next)));
      case 'class':
        return this.#add(testOf(part.set, part.slash), next);
      case 'either':
        return this.#add(undefined, ...part.choices.map((choice) => this.#build(choice, next)));
    }
  }

  #loop(test: Test, next: number): number {
    const split: State = { test: undefined, next: [] };
    const at = this.#states.push(split) - 1;
    split.next = [next, this.#add(test, at)];
    return at;
  }
}

function testOf({ negated, ranges }: CharacterSet, withSlash: boolean): Test {
  return (code) => {
    if (code === slash && !withSlash) {
      return false;
    }
    const isMember = ranges.some(
      ({ first, last, capitals }) =>
        (code >= first && code <= last) || (capitals && isSmall(code) && code - 32 >= first && code - 32 <= last),
    );
    return isMember !== negated;
  };
}

function isSmall(code: number): boolean {
  return code >= 97 && code <= 122;
}
