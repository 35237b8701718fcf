/** From an answer's block to the text that it proposes, and from two texts to the changes between them. */

import { diffLines } from 'diff';
import type { Change } from '../../media/chat/answer';

export class ApplyError extends Error {}

/**
 * The text with all changes in it; LF line ends.
 * @throws ApplyError where the old lines of one are not there, or more than once
 */
export function applyChanges(text: string, changes: readonly Change[]): string {
  let result = text;
  for (const [index, change] of changes.entries()) {
    const name = changes.length > 1 ? `Change ${index + 1}` : 'The change';
    result = applyOne(result, change, name);
  }
  return result;
}

function applyOne(text: string, { search, replace }: Change, name: string): string {
  if (search.trim() === '') {
    if (text.trim() !== '') {
      throw new ApplyError(`${name} has no old lines, and the file is not empty.`);
    }
    return replace;
  }
  const whole = text.endsWith('\n') || text === '' ? text : `${text}\n`;
  const exact = lineMatches(whole, search, (line) => line);
  const matches = exact.length > 0 ? exact : lineMatches(whole, search, (line) => line.trim());
  const [match, second] = matches;
  if (match === undefined) {
    throw new ApplyError(`The old lines of ${name.toLowerCase()} are not in the file.`);
  }
  if (second !== undefined) {
    throw new ApplyError(`The old lines of ${name.toLowerCase()} are in the file ${matches.length} times.`);
  }
  const fresh = exact.length > 0 ? replace : reindented(replace, search, match.text);
  const result = whole.slice(0, match.start) + fresh + whole.slice(match.end);
  return text.endsWith('\n') || !result.endsWith('\n') ? result : result.slice(0, -1);
}

interface Match {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Whole lines that are those of `search`, each by its form. */
function lineMatches(text: string, search: string, form: (line: string) => string): Match[] {
  const wanted = search.replace(/\n$/, '').split('\n').map(form);
  const lines = text.split('\n');
  const formed = lines.map(form);
  const found: Match[] = [];
  let start = 0;
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    if (wanted.every((line, offset) => formed[at + offset] === line)) {
      const matched = lines.slice(at, at + wanted.length).join('\n');
      found.push({ start, end: Math.min(text.length, start + matched.length + 1), text: matched });
    }
    start += (lines[at]?.length ?? 0) + 1;
  }
  return found;
}

/** Lines found with another indent get their new ones moved by the same. */
function reindented(replace: string, search: string, found: string): string {
  const [asked, real] = [search, found].map(
    (one) => /^[ \t]*/.exec(one.split('\n').find((line) => line.trim() !== '') ?? '')?.[0] ?? '',
  );
  if (asked === real || asked === undefined || real === undefined) {
    return replace;
  }
  return replace
    .split('\n')
    .map((line) => (line.trim() === '' ? line : line.startsWith(asked) ? real + line.slice(asked.length) : line))
    .join('\n');
}

/** Lines of one text that differ from those of another: 0-based, the ends not included. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
  /** The new lines, each with its line end (the last of a text may have none). */
  readonly newText: string;
  readonly oldText: string;
}

export function hunksOf(before: string, after: string): Hunk[] {
  const hunks: Hunk[] = [];
  let [oldLine, newLine] = [0, 0];
  let open: { oldStart: number; newStart: number; oldText: string; newText: string } | undefined;
  const close = () => {
    if (open !== undefined) {
      hunks.push({ ...open, oldEnd: oldLine, newEnd: newLine });
      open = undefined;
    }
  };
  for (const part of diffLines(before, after)) {
    const lines = part.count;
    if (!part.added && !part.removed) {
      close();
      oldLine += lines;
      newLine += lines;
      continue;
    }
    open ??= { oldStart: oldLine, newStart: newLine, oldText: '', newText: '' };
    if (part.removed) {
      open.oldText += part.value;
      oldLine += lines;
    } else {
      open.newText += part.value;
      newLine += lines;
    }
  }
  close();
  return hunks;
}

/** The hunk that a line of the new text is in, or is beside. */
export function hunkAt(hunks: readonly Hunk[], newLine: number): Hunk | undefined {
  const inside = hunks.find(({ newStart, newEnd }) => newLine >= newStart && newLine < Math.max(newEnd, newStart + 1));
  return inside ?? hunks.find(({ newStart, newEnd }) => newLine === newEnd || newLine === newStart - 1);
}

/** The other text with this hunk of the first in it. */
export function withHunk(before: string, hunk: Hunk): string {
  const lines = splitLines(before);
  return [...lines.slice(0, hunk.oldStart), hunk.newText, ...lines.slice(hunk.oldEnd)].join('');
}

export function withoutHunk(after: string, hunk: Hunk): string {
  const lines = splitLines(after);
  return [...lines.slice(0, hunk.newStart), hunk.oldText, ...lines.slice(hunk.newEnd)].join('');
}

/** Each with its line end. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
