/** Which line of a text each block of its tokens begins in, for citations. */

import { attentionBlockTokens, type Engine } from '../../engine/engine';

/** A line, or a part of a very long one. */
export interface Unit {
  readonly text: string;
  /** 0-based. */
  readonly line: number;
  readonly tokens: number;
}

/** Longer lines are split before they are tokenized. */
const maxUnitChars = 1024;

/**
 * @param text LF line ends, well-formed
 * @param maxTokens of one unit
 */
export function* unitsOf(
  engine: Pick<Engine, 'tokenize'>,
  text: string,
  maxTokens: number,
): Generator<Unit, undefined, undefined> {
  let line = 0;
  for (let start = 0; start < text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline + 1;
    for (let at = start; at < end; ) {
      const unit = unitAt(engine, text, at, Math.min(end, at + maxUnitChars), line, maxTokens);
      yield unit;
      at += unit.text.length;
    }
    start = end;
  }
}

/** The text from `start` on, halved until it has at most `maxTokens` tokens. */
function unitAt(
  engine: Pick<Engine, 'tokenize'>,
  text: string,
  start: number,
  end: number,
  line: number,
  maxTokens: number,
): Unit {
  for (let stop = end; ; stop = start + Math.ceil((stop - start) / 2)) {
    const whole = isHighSurrogate(text, stop - 1) && stop < text.length ? stop + 1 : stop;
    const part = text.slice(start, whole);
    const tokens = engine.tokenize(part).length;
    if (tokens <= maxTokens || stop - start <= 1) {
      return { text: part, line, tokens };
    }
  }
}

function isHighSurrogate(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800;
}

/**
 * For each block of `attentionBlockTokens` tokens the line of its first token; a token of the head, and one in front of it,
 * counts as the first line. Lines are placed by their own number of tokens, so a block may be off by one at its edge.
 * @param units of the text
 * @param headTokens tokens of the line before the text, which is not part of it
 * @param allTokens of head and text together
 * @param first the token that the first block begins with, counted from the head's first one; may be negative
 * @param blocks how many
 */
export function linesOfBlocks(
  units: readonly Unit[],
  headTokens: number,
  allTokens: number,
  first = 0,
  blocks = Math.ceil((allTokens - first) / attentionBlockTokens),
): Uint32Array {
  const parts = units.reduce((sum, unit) => sum + unit.tokens, 0);
  const scale = parts / Math.max(1, allTokens - headTokens);
  const lines = new Uint32Array(blocks);
  let unit = 0;
  let passed = 0;
  for (let block = 0; block < blocks; block++) {
    const target = (first + block * attentionBlockTokens - headTokens) * scale;
    while (unit < units.length - 1 && passed + (units[unit]?.tokens ?? 0) <= target) {
      passed += units[unit]?.tokens ?? 0;
      unit++;
    }
    lines[block] = units[unit]?.line ?? 0;
  }
  return lines;
}
