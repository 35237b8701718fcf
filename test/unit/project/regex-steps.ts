/**
 * Regular expressions as a backtracking engine takes them, with every step counted: V8 cannot say how many it took. Syntax
 * of ECMAScript without the flag v, inline modifiers and duplicate group names.
 */

export type Node =
  | { readonly kind: 'char'; readonly matches: (char: string) => boolean }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: Node }
  | {
      readonly kind: 'repeat';
      readonly min: number;
      readonly max: number;
      readonly greedy: boolean;
      readonly body: Node;
    }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'again'; readonly group: number | string }
  | { readonly kind: 'place'; readonly holds: (chars: readonly string[], at: number) => boolean };

export interface Pattern {
  readonly root: Node;
  readonly names: ReadonlyMap<string, number>;
  readonly unicode: boolean;
}

/** @throws SyntaxError on what is not known here */
export function parsePattern({ source, flags }: RegExp): Pattern {
  const unicode = flags.includes('u');
  const multiline = flags.includes('m');
  const names = new Map<string, number>();
  let at = 0;
  let groups = 0;

  const classFlags = (unicode ? 'u' : '') + (flags.includes('i') ? 'i' : '') + (flags.includes('s') ? 's' : '');
  const char = (text: string): Node => {
    const own = new RegExp(`^(?:${text})$`, classFlags);
    const known = new Map<string, boolean>();
    return {
      kind: 'char',
      matches(candidate) {
        let result = known.get(candidate);
        if (result === undefined) {
          result = own.test(candidate);
          known.set(candidate, result);
        }
        return result;
      },
    };
  };
  const word = char('\\w');
  const isWord = (chars: readonly string[], place: number) => {
    const there = chars[place];
    return there !== undefined && word.kind === 'char' && word.matches(there);
  };
  const isBreak = (text: string | undefined) => text !== undefined && /[\n\r\u2028\u2029]/.test(text);
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    at += found?.length ?? 0;
    return found;
  };

  const choice = (): Node => {
    const options = [sequence()];
    while (take(/\|/y) !== undefined) {
      options.push(sequence());
    }
    const [first] = options;
    return options.length === 1 && first !== undefined ? first : { kind: 'choice', options };
  };
  const sequence = (): Node => {
    const items: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      items.push(repeated(atom()));
    }
    return { kind: 'sequence', items };
  };
  const repeated = (body: Node): Node => {
    const sign = take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    if (sign === undefined) {
      return body;
    }
    const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(sign) ?? [];
    const min = least === undefined ? (sign.startsWith('+') ? 1 : 0) : Number(least);
    const max =
      least === undefined
        ? sign.startsWith('?')
          ? 1
          : Number.POSITIVE_INFINITY
        : comma === ''
          ? min
          : most === ''
            ? Number.POSITIVE_INFINITY
            : Number(most);
    return { kind: 'repeat', min, max, greedy: sign.length === 1 || !sign.endsWith('?'), body };
  };
  const closed = (): Node => {
    const body = choice();
    if (take(/\)/y) === undefined) {
      throw new SyntaxError(`no end of a group in ${source}`);
    }
    return body;
  };
  const atom = (): Node => {
    const look = take(/\(\?<?[=!]/y);
    if (look !== undefined) {
      return { kind: 'look', behind: look.includes('<'), negative: look.endsWith('!'), body: closed() };
    }
    if (take(/\(\?:/y) !== undefined) {
      return closed();
    }
    const open = take(/\((?:\?<\w+>|(?!\?))/y);
    if (open !== undefined) {
      const index = ++groups;
      if (open.length > 1) {
        names.set(open.slice(3, -1), index);
      }
      return { kind: 'group', index, body: closed() };
    }
    if (take(/\^/y) !== undefined) {
      return { kind: 'place', holds: (chars, place) => place === 0 || (multiline && isBreak(chars[place - 1])) };
    }
    if (take(/\$/y) !== undefined) {
      return { kind: 'place', holds: (chars, place) => place === chars.length || (multiline && isBreak(chars[place])) };
    }
    const border = take(/\\[bB]/y);
    if (border !== undefined) {
      const wanted = border === '\\b';
      return { kind: 'place', holds: (chars, place) => (isWord(chars, place - 1) !== isWord(chars, place)) === wanted };
    }
    const again = take(/\\(?:[1-9]\d*|k<\w+>)/y);
    if (again !== undefined) {
      return { kind: 'again', group: again.startsWith('\\k') ? again.slice(3, -1) : Number(again.slice(1)) };
    }
    const text = take(
      /\[(?:[^\]\\]|\\[\s\S])*\]|\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[\s\S])|[^()]/uy,
    );
    if (text === undefined) {
      throw new SyntaxError(`not understood at ${at}: ${source}`);
    }
    return char(text === '/' ? '\\/' : text);
  };
  const root = choice();
  if (at < source.length) {
    throw new SyntaxError(`not understood at ${at}: ${source}`);
  }
  return { root, names, unicode };
}

type Next = (at: number) => boolean;

/**
 * Steps of finding all matches in a text, as `matchAll` and `replace` do: a step is a char or a place that is looked at, or
 * a way that is given up.
 * @param max counting ends there
 */
export function stepsOf({ root, names, unicode }: Pattern, text: string, max: number): number {
  const chars = unicode ? [...text] : text.split('');
  const groups: (readonly [number, number] | undefined)[] = [];
  let steps = 0;
  class Enough extends Error {}
  const step = () => {
    if (++steps > max) {
      throw new Enough();
    }
  };

  const run = (node: Node, at: number, back: boolean, next: Next): boolean => {
    switch (node.kind) {
      case 'char': {
        step();
        const char = chars[back ? at - 1 : at];
        return char !== undefined && node.matches(char) && next(back ? at - 1 : at + 1);
      }
      case 'place':
        step();
        return node.holds(chars, at) && next(at);
      case 'sequence': {
        const items = back ? [...node.items].reverse() : node.items;
        const from = (index: number, place: number): boolean => {
          const item = items[index];
          return item === undefined ? next(place) : run(item, place, back, (after) => from(index + 1, after));
        };
        return from(0, at);
      }
      case 'choice':
        return node.options.some((option) => run(option, at, back, next));
      case 'group': {
        const before = groups[node.index];
        const done = run(node.body, at, back, (after) => {
          const inner = groups[node.index];
          groups[node.index] = back ? [after, at] : [at, after];
          if (next(after)) {
            return true;
          }
          groups[node.index] = inner;
          return false;
        });
        if (!done) {
          groups[node.index] = before;
        }
        return done;
      }
      case 'look': {
        const kept = [...groups];
        const found = run(node.body, at, node.behind, () => true);
        if (found === node.negative) {
          groups.splice(0, groups.length, ...kept);
          return false;
        }
        return next(at);
      }
      case 'again': {
        const index = typeof node.group === 'number' ? node.group : (names.get(node.group) ?? 0);
        const [start, end] = groups[index] ?? [0, 0];
        for (let i = 0; i < end - start; i++) {
          step();
          if (chars[start + i] !== chars[back ? at - (end - start) + i : at + i]) {
            return false;
          }
        }
        return next(back ? at - (end - start) : at + (end - start));
      }
      case 'repeat':
        return node.body.kind === 'char'
          ? repeatChar(node.body.matches, node, at, back, next)
          : repeat(node, node.body, 0, at, back, next);
    }
  };

  type Bounds = { readonly min: number; readonly max: number; readonly greedy: boolean };
  const repeat = (bounds: Bounds, body: Node, count: number, at: number, back: boolean, next: Next): boolean => {
    step();
    const more = () =>
      count < bounds.max &&
      run(body, at, back, (after) => {
        // a round that took nothing is not gone through again
        return (after !== at || count < bounds.min) && repeat(bounds, body, count + 1, after, back, next);
      });
    if (count < bounds.min) {
      return more();
    }
    return bounds.greedy ? more() || next(at) : next(at) || more();
  };

  /** In a loop, since a deep call for each char would not fit the stack. */
  const repeatChar = (
    matches: (char: string) => boolean,
    { min, max: most, greedy }: Bounds,
    at: number,
    back: boolean,
    next: Next,
  ): boolean => {
    const sign = back ? -1 : 1;
    let count = 0;
    const takesMore = () => {
      step();
      const char = chars[back ? at - count - 1 : at + count];
      return count < most && char !== undefined && matches(char);
    };
    if (greedy) {
      while (takesMore()) {
        count++;
      }
      for (; count >= min; count--) {
        step();
        if (next(at + sign * count)) {
          return true;
        }
      }
      return false;
    }
    while (count < min) {
      if (!takesMore()) {
        return false;
      }
      count++;
    }
    while (!next(at + sign * count)) {
      if (!takesMore()) {
        return false;
      }
      count++;
    }
    return true;
  };

  try {
    for (let start = 0; start <= chars.length; ) {
      groups.length = 0;
      step();
      let end = start;
      const found = run(root, start, false, (at) => {
        end = at;
        return true;
      });
      start = found && end > start ? end : start + 1;
    }
  } catch (error) {
    if (!(error instanceof Enough) && !(error instanceof RangeError)) {
      throw error;
    }
    return max;
  }
  return steps;
}
