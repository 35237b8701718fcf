/** Decides where a completion ends while its text streams in. Pure: it takes the text so far, and returns the text to keep. */

import { indentWidth, isBlank } from '../../base/text';
import { opensBracket } from '../syntax/bracket-table';
import type { CompletionShape } from '../syntax/completion-shape';
import { withoutDangling } from './sensible-end';

export interface StopContext {
  readonly shape: CompletionShape;
  /** The next line of the document that is not blank: a completion that repeats it is done. */
  readonly nextLine: string;
  readonly maxLines: number;
}

interface StopDecision {
  /** Decoding can stop, since the rest would be cut. */
  readonly stop: boolean;
  /** The text to keep. */
  readonly text: string;
}

/** A line that still grows, and may become a word that closes a block. */
const closerBegins = /^\s*(?:e|en|f|d|do|don|<)$/;
const closer = /^\s*(?:[)\]}]|<\/|(?:end|fi|done)(?![\w(=[:]|\s*[=:+*-]))/;

/** @param whole all the text so far; its last line may still grow */
export function applyStopRules(whole: string, context: StopContext): StopDecision {
  const loop = loopStart(whole);
  if (loop !== undefined) {
    const decision = decide(whole.slice(0, loop), context);
    return { stop: true, text: withoutDangling(decision.text) };
  }
  return decide(whole, context);
}

function decide(whole: string, context: StopContext): StopDecision {
  return context.shape.lines === 'one' ? oneLine(whole, context) : block(whole, context);
}

/** Ends at the end of the line, or, if the line may open a bracket and does, at the line that closes it. */
function oneLine(whole: string, context: StopContext): StopDecision {
  const newline = whole.indexOf('\n');
  if (newline === -1) {
    return { stop: false, text: whole };
  }
  const first = whole.slice(0, newline);
  if (!context.shape.mayOpen || !opensBracket.test(first)) {
    return { stop: true, text: first };
  }
  return block(whole, { ...context, shape: { ...context.shape, lines: 'block', opens: true } });
}

function block(whole: string, { shape, nextLine, maxLines }: StopContext): StopDecision {
  const lines = whole.split('\n');
  const kept: string[] = [];
  const seen = new Map<string, number>();
  const done = (): StopDecision => ({ stop: true, text: kept.join('\n') });
  const hasText = () => kept.some((line) => !isBlank(line));
  for (const [index, line] of lines.entries()) {
    const complete = index < lines.length - 1;
    const trimmed = line.trim();
    if (index === 0) {
      kept.push(line);
      count(seen, trimmed);
      continue;
    }
    if (trimmed === '') {
      // a blank line ends a block, but blank lines before its first text belong to it
      if (complete && hasText()) {
        return done();
      }
      kept.push(line);
      continue;
    }
    const width = indentWidth(line);
    const closes = closer.test(line);
    if (!complete && shape.opens && closerBegins.test(line)) {
      return { stop: false, text: kept.join('\n') };
    }
    const tooShallow = shape.opens ? width <= shape.baseIndent : width < shape.baseIndent;
    if (tooShallow && hasTextOrOpens(hasText(), shape) && !(shape.opens && closes && width === shape.baseIndent)) {
      return done();
    }
    if (trimmed.length > 1 && complete && trimmed === nextLine.trim()) {
      return done();
    }
    if (complete && isRepetition(trimmed, kept, seen)) {
      return done();
    }
    if (shape.opens && closes && width === shape.baseIndent) {
      if (trimmed === nextLine.trim() && indentWidth(nextLine) === width) {
        return done();
      }
      kept.push(line);
      return complete ? done() : { stop: false, text: kept.join('\n') };
    }
    if (kept.length >= maxLines) {
      return done();
    }
    kept.push(line);
    count(seen, trimmed);
  }
  return { stop: false, text: kept.join('\n') };
}

/** A block that the cursor's line opens ends at a line with too little indentation even before any text: the model left it. */
function hasTextOrOpens(hasText: boolean, shape: CompletionShape): boolean {
  return hasText || shape.opens;
}

/** Whether the line repeats the one above it, or comes for the third time. Short lines (brackets, `else`) may repeat. */
function isRepetition(trimmed: string, kept: readonly string[], seen: ReadonlyMap<string, number>): boolean {
  if (trimmed.length < 4) {
    return false;
  }
  return kept.at(-1)?.trim() === trimmed || (seen.get(trimmed) ?? 0) >= 2;
}

function count(seen: Map<string, number>, line: string): void {
  seen.set(line, (seen.get(line) ?? 0) + 1);
}

/** Small models fall into loops within a line (`count = count = count`): a unit that comes three times or more. */
const repeated = /([^\n]{3,60}?)\1{2,}/g;

/** Shorter repetitions occur in good code: `[0, 0, 0, 0]`. */
const minLoopChars = 24;

/**
 * @returns the offset to cut a loop at: before its line, or, in the first line, after its first unit; undefined where there
 * is no loop, which a ruler of one character is not
 */
export function loopStart(text: string): number | undefined {
  for (const match of text.matchAll(repeated)) {
    const unit = match[1] ?? '';
    if (match[0].length >= minLoopChars && new Set(unit).size > 1) {
      const lineEnd = text.lastIndexOf('\n', match.index);
      const hasLinesBefore = lineEnd !== -1 && text.slice(0, lineEnd).trim() !== '';
      return hasLinesBefore ? lineEnd : match.index + unit.length;
    }
  }
  return undefined;
}
