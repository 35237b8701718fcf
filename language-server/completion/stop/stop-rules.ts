/** Where a completion ends, decided while its text streams in. Pure: text so far in, text to keep out. */

import { indentWidth, isBlank } from '../../base/text';
import type { CompletionShape } from '../syntax/shape';
import { loopStart } from './loop';
import { withoutDangling } from './sensible-end';

export interface StopContext {
  readonly shape: CompletionShape;
  /** The next line of the document with text: a completion that arrives there is done. */
  readonly nextLine: string;
  readonly maxLines: number;
}

interface StopDecision {
  /** Decoding can stop: the rest would be cut anyway. */
  readonly stop: boolean;
  /** What is worth keeping. */
  readonly text: string;
}

/** Of a line that still grows: it may become a closing word. */
const closerBegins = /^\s*(?:e|en|f|d|do|don|<)$/;
const closer = /^\s*(?:[)\]}]|<\/|(?:end|fi|done)(?![\w(=[:]|\s*[=:+*-]))/;

/** @param whole all text so far; the last line may still grow */
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

const opensBracket = /[{([]\s*$/;

/** To the end of the line; where that opens a bracket and may, to the line that closes it. */
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
      // a blank line ends a block; in front of it, it is skipped by no one: the text starts with it
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

/** Before any text, a first line that is not indented enough still ends an opened block: the model left it. */
function hasTextOrOpens(hasText: boolean, shape: CompletionShape): boolean {
  return hasText || shape.opens;
}

/** The same line as the one above, or a third time. Short lines (brackets, else) may repeat. */
function isRepetition(trimmed: string, kept: readonly string[], seen: ReadonlyMap<string, number>): boolean {
  if (trimmed.length < 4) {
    return false;
  }
  return kept.at(-1)?.trim() === trimmed || (seen.get(trimmed) ?? 0) >= 2;
}

function count(seen: Map<string, number>, line: string): void {
  seen.set(line, (seen.get(line) ?? 0) + 1);
}
