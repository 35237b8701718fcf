/** Texts that make a regular expression take steps out of proportion to their length, made from the expression itself. */

import { type Node, type Pattern, parsePattern, stepsOf } from './regex-steps';

/** Of a class of chars that a pattern tells apart, the first of these stands for all. */
const alphabet = [
  ...' \t\nax0_A.,:;/\\"\'`()[]{}<>=-+*#!?&|%@$^~\r',
  ...'\u0000éßЖ漢ー：「»“”‘’–\u00a0\u2028',
  ...'bcdefghijklmnopqrstuvwyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789',
  ...'файлпутьимя文件檔案名ファイル파일',
];
/** Of the first text that is tried; a quadratic one takes about half of it in steps for each char. */
const minLength = 240;

interface Attack {
  readonly start: string;
  readonly pump: string;
  readonly end: string;
}

interface Growth extends Attack {
  /** For a text of so many chars and for one four times as long. */
  readonly steps: readonly [number, number];
}

/** The first text found whose steps grow faster than its length: over six times for four times the length. */
export function fasterThanLinear(expression: RegExp): Growth | undefined {
  const pattern = parsePattern(expression);
  if (!hasUnbounded(pattern.root)) {
    // a match has a longest length, and so many ways to it at most
    return undefined;
  }
  const classes = representatives(pattern);
  const pairs = classes.slice(0, 8).flatMap((one) => classes.slice(0, 8).map((two) => one + two));
  const samples = new Set<string>();
  /** What stands before something repeated, and what is repeated. */
  const places: { readonly start: string; readonly pumps: readonly string[] }[] = [];
  collect(pattern.root, '', classes, samples, places);

  const starts = new Set(places.map(({ start }) => start));
  const ends = new Set(['', '\u0000', '\n', '\n\u0000', ...endsOf(pattern, classes)]);
  const attacks = new Map<string, Attack>();
  const attack = (start: string, pump: string, behind: Iterable<string> = ends) => {
    for (const end of pump === '' ? [] : behind) {
      attacks.set(JSON.stringify([start, pump, end]), { start, pump, end });
    }
  };
  for (const pump of [...classes, ...samples]) {
    attack('', pump);
  }
  for (const pump of pairs) {
    attack('', pump, ['', '\u0000', '\n']);
  }
  for (const start of starts) {
    for (const pump of [...classes, start]) {
      attack(start, pump);
    }
  }
  for (const { start, pumps } of places) {
    for (const pump of pumps) {
      attack(start, pump);
    }
  }
  // what is bounded by a constant of the pattern grows until it gets there
  const chars = Math.max(minLength, 5 * mostOf(pattern.root));
  for (const candidate of attacks.values()) {
    const growth = grows(pattern, candidate, chars);
    if (growth !== undefined) {
      return growth;
    }
  }
  return undefined;
}

function grows(pattern: Pattern, { start, pump, end }: Attack, chars: number): Growth | undefined {
  const steps = (times: number, max: number) =>
    stepsOf(pattern, start + pump.repeat(Math.ceil((times * chars) / pump.length)) + end, max);
  const once = steps(1, chars * chars);
  if (once < (chars / 4) * chars) {
    return undefined;
  }
  const four = steps(4, 6 * once);
  return four < 6 * once ? undefined : { start, pump, end, steps: [once, four] };
}

/** One char for each set of the pattern's classes that it belongs to. */
function representatives({ root }: Pattern): string[] {
  const classes: ((char: string) => boolean)[] = [];
  walk(root, (node) => {
    if (node.kind === 'char') {
      classes.push(node.matches);
    }
  });
  const bySignature = new Map<string, string>();
  for (const char of alphabet) {
    const signature = classes.map((matches) => Number(matches(char))).join('');
    if (!bySignature.has(signature)) {
      bySignature.set(signature, char);
    }
  }
  // those that many classes take say more
  const weight = (signature: string) => signature.split('1').length;
  return [...bySignature].sort(([one], [two]) => weight(two) - weight(one)).map(([, char]) => char);
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  const inner =
    node.kind === 'sequence' ? node.items : node.kind === 'choice' ? node.options : 'body' in node ? [node.body] : [];
  for (const child of inner) {
    walk(child, visit);
  }
}

/** What ends a long run of chars: one that it has not. */
function endsOf({ root }: Pattern, classes: readonly string[]): string[] {
  const ends = new Set<string>();
  walk(root, (node) => {
    if (node.kind === 'repeat' && node.body.kind === 'char' && node.max > 16) {
      const { matches } = node.body;
      ends.add(classes.find((char) => !matches(char)) ?? '');
    }
  });
  return [...ends];
}

function hasUnbounded(root: Node): boolean {
  let found = false;
  walk(root, (node) => {
    found ||= node.kind === 'repeat' && node.max === Number.POSITIVE_INFINITY;
  });
  return found;
}

/** The highest finite count of a repetition. */
function mostOf(root: Node): number {
  let most = 0;
  walk(root, (node) => {
    if (node.kind === 'repeat' && node.max !== Number.POSITIVE_INFINITY) {
      most = Math.max(most, node.max);
    }
  });
  return most;
}

/** A text that the node takes, short. */
function sample(node: Node, chars: readonly string[], variant = 0): string {
  switch (node.kind) {
    case 'char': {
      const fitting = [...chars, ...alphabet].filter((char) => node.matches(char));
      return fitting[variant % Math.max(1, fitting.length)] ?? '';
    }
    case 'sequence':
      return node.items.map((item) => sample(item, chars, variant)).join('');
    case 'choice':
      return sample(node.options[variant % node.options.length] ?? node, chars, variant);
    case 'group':
      return sample(node.body, chars, variant);
    case 'repeat':
      return sample(node.body, chars, variant).repeat(Math.min(64, Math.max(node.min, node.max > 0 ? variant % 2 : 0)));
    default:
      return '';
  }
}

function collect(
  node: Node,
  before: string,
  chars: readonly string[],
  samples: Set<string>,
  places: { readonly start: string; readonly pumps: readonly string[] }[],
): void {
  if (node.kind === 'sequence') {
    let start = before;
    for (const [index, item] of node.items.entries()) {
      collect(item, start, chars, samples, places);
      start += sample(item, chars);
      for (let end = index + 2; end <= Math.min(node.items.length, index + 8); end++) {
        for (const variant of [0, 1]) {
          samples.add(
            node.items
              .slice(index, end)
              .map((part) => sample(part, chars, variant))
              .join(''),
          );
        }
      }
    }
  } else if (node.kind === 'choice') {
    for (const option of node.options) {
      collect(option, before, chars, samples, places);
      samples.add(sample(option, chars));
    }
  } else if (node.kind === 'repeat') {
    const body = [0, 1, 2, 3].map((variant) => sample(node.body, chars, variant));
    if (node.max > 16) {
      places.push({ start: before, pumps: [...new Set([...body, `${body[0]}${body[1]}`])] });
    }
    for (const text of body) {
      samples.add(text);
    }
    collect(node.body, before, chars, samples, places);
  } else if ('body' in node) {
    collect(node.body, before, chars, samples, places);
  }
}
