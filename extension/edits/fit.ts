/** Applies the changes of an answer to the text of a file. Each change that does not fit is reported. */

import { diffArrays } from 'diff';
import type { Change } from '../../language-server/protocol/answer/answer';
import type { MarkedBlock } from '../../language-server/protocol/answer/change-blocks';
import { type Fit, fitHunks } from './fit-hunks';
import { indentUnitNear, type Pair, Reindenter } from './indentation';
import { capitalize, joinLines, placesOf, splitText } from './places';
import { nextReading } from './readings';

export type { Fit } from './fit-hunks';

/**
 * @param text the file, with line ends of one kind, which new lines take
 * @param form converts new text before it is written
 */
export function fitChanges(
  text: string,
  changes: readonly Change[],
  form: (text: string) => string = (same) => same,
): Fit {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const plain = text.replaceAll('\r\n', '\n');
  const fit = changes.some(({ hunk }) => hunk !== undefined)
    ? fitHunks(plain, changes, form)
    : fitBlocks(plain, changes, form);
  return { ...fit, text: end === '\n' ? fit.text : fit.text.replaceAll('\n', '\r\n') };
}

function fitBlocks(text: string, changes: readonly Change[], form: (text: string) => string): Fit {
  const state = { text, failures: [] as string[], count: 0 };
  const name = (count: number) => (changes.length > 1 ? `change ${count}` : 'the change');
  const blocks = new Set<MarkedBlock>();
  for (const change of changes) {
    if (change.block === undefined) {
      state.count++;
      take(state, { ...change, replace: form(change.replace) }, name(state.count));
    } else if (!blocks.has(change.block)) {
      blocks.add(change.block);
      for (let from: number | undefined = 0; from !== undefined; ) {
        const reading = nextReading(change.block.lines, from, splitText(state.text));
        if (reading === undefined) {
          break;
        }
        state.count++;
        if ('problem' in reading) {
          state.failures.push(`${capitalize(name(state.count))} was not applied: ${reading.problem}`);
        } else {
          const { search, replace } = reading.change;
          take(state, { search, replace: form(replace) }, name(state.count));
        }
        from = reading.next;
      }
    }
  }
  return state;
}

function take(state: { text: string; failures: string[] }, change: Change, name: string): void {
  const result = applyOne(state.text, change, name);
  if (typeof result === 'string') {
    state.text = result;
  } else {
    state.failures.push(result.problem);
  }
}

function applyOne(text: string, { search, replace }: Change, name: string): string | { readonly problem: string } {
  const fresh = splitText(replace.replaceAll('\r\n', '\n'));
  if (search.trim() === '') {
    return text.trim() === ''
      ? joinLines(fresh, replace.endsWith('\n'))
      : { problem: `${capitalize(name)} has an empty SEARCH part, but the file is not empty.` };
  }
  const wanted = splitText(search.replaceAll('\r\n', '\n'));
  const lines = splitText(text);
  const places = placesOf(lines, wanted);
  const [start, second] = places;
  if (start === undefined) {
    return { problem: `The SEARCH part of ${name} was not found in the file.` };
  }
  if (second !== undefined) {
    return { problem: `The SEARCH part of ${name} was found ${places.length} times in the file.` };
  }
  const end = start + wanted.length;
  const placed = replaced(lines, start, wanted, fresh);
  return joinLines([...lines.slice(0, start), ...placed, ...lines.slice(end)], text.endsWith('\n') || text === '');
}

/** @returns the new lines for the file: unchanged ones byte for byte, the others in its indentation */
function replaced(
  lines: readonly string[],
  start: number,
  wanted: readonly string[],
  fresh: readonly string[],
): readonly string[] {
  const pairs = wanted.map((line, index): Pair => [line, lines[start + index] ?? '']);
  // in blocks with more differences, common lines mean nothing
  const steps = diffArrays([...wanted], [...fresh], {
    comparator: (one, other) => one.trim() === other.trim(),
    maxEditLength: 2000,
  }) ?? [
    { removed: true, added: false, count: wanted.length },
    { removed: false, added: true, count: fresh.length },
  ];
  const stays: (Pair | undefined)[] = [];
  let [old, at] = [0, 0];
  for (const { added, removed, count } of steps) {
    for (let step = 0; step < count; step++) {
      if (!removed) {
        stays[at] = added ? undefined : pairs[old];
        at++;
      }
      old += added ? 0 : 1;
    }
  }
  const known = fresh.flatMap((line, index): Pair[] => {
    const pair = stays[index];
    return pair === undefined || line.trim() === '' ? [] : [[line, pair[0]]];
  });
  const indent = new Reindenter(pairs, fresh, known, indentUnitNear(lines, start, start + wanted.length));
  return fresh.map((line, index) => {
    const pair = stays[index];
    return pair === undefined ? indent.added(line) : indent.kept(line, pair);
  });
}
