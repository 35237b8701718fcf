/**
 * Cuts a file into chunks by its content, so that an edit changes the chunks around it and no others: within a window
 * of lines, the cut is where a declaration or a paragraph begins, and among equals where a hash of the lines around is
 * largest. Windows that overlap mostly agree on that place, so cuts fall into step again soon after an insertion (the
 * local-maximum rule of content-defined chunking: Bjørner, Blass, Gurevich, "Content-Dependent Chunking for
 * Differential Compression, the Local Maximum Approach", 2010).
 */

import { indentOf, toLf, wellFormed } from '../../base/text';
import type { Engine } from '../../engine/engine';
import { concatenate } from '../../engine/native/token-parts';
import { linesOfBlocks, type Unit, unitsOf } from './block-lines';
import { commentPathLine, fileForm } from './path-line';

/** What cutting needs of an engine. */
type Tokenizer = Pick<Engine, 'model' | 'tokenize' | 'chunks'>;

export interface Chunk {
  /** Tokens of path line and body, at most `chunkTokens`. */
  readonly tokens: Int32Array;
  /** The body: a part of the file, with LF line ends. */
  readonly text: string;
  /** 0-based, inclusive. Neighbours share a line where a line is longer than a chunk. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** See {@link linesOfBlocks}: the path line is the head. */
  readonly blockLines: Uint32Array;
}

interface ChunkerOptions {
  /** Maximum tokens of a chunk, path line included. Default: the engine's, else 1,024. */
  readonly chunkTokens?: number;
}

const defaultChunkTokens = 1024;
/** A chunk is not cut before this share of its limit. */
const minShare = 0.25;
/** Paths longer than this share of a chunk lose their front. */
const maxPathShare = 0.25;

/** @param path below the repository's folder, forward slashes; @param text as read: any line ends, any UTF-16 */
export function chunkFile(engine: Tokenizer, path: string, text: string, options: ChunkerOptions = {}): Chunk[] {
  return [...chunksOf(engine, path, text, options)];
}

/** Yields the chunks one by one, so that a caller can do other things between two chunks of a large file. */
export function* chunksOf(
  engine: Tokenizer,
  path: string,
  text: string,
  { chunkTokens = engine.chunks?.chunkTokens ?? defaultChunkTokens }: ChunkerOptions = {},
): Generator<Chunk> {
  const clean = wellFormed(toLf(text.startsWith('\ufeff') ? text.slice(1) : text));
  if (clean.trim() === '') {
    return;
  }
  const head = pathHead(engine, path, chunkTokens);
  const room = chunkTokens - head.tokens;
  const source = unitsOf(engine, clean, Math.max(1, Math.floor(room * minShare)));
  let waiting: Unit[] = [];
  let ended = false;
  for (;;) {
    let waitingTokens = waiting.reduce((sum, unit) => sum + unit.tokens, 0);
    while (!ended && waitingTokens <= room) {
      const next = source.next();
      if (next.done === true) {
        ended = true;
      } else {
        waiting.push(next.value);
        waitingTokens += next.value.tokens;
      }
    }
    if (waiting.length === 0) {
      return;
    }
    // parts of a text need at least as many tokens as the whole, save for rare merges: then the chunk gets less room
    for (let limit = room; ; limit = Math.floor(limit * 0.9)) {
      const length = waitingTokens <= limit && ended ? waiting.length : chooseCut(waiting, limit);
      const units = waiting.slice(0, length);
      const chunk = makeChunk(engine, head, units);
      if (chunk.tokens.length <= chunkTokens || length === 1) {
        if (chunk.text.trim() !== '') {
          yield chunk;
        }
        waiting = waiting.slice(length);
        break;
      }
    }
  }
}

/** How many units, which are not cut, the next chunk takes: at least one. */
function chooseCut(units: readonly Unit[], limit: number): number {
  let best = 0;
  let bestRank = Number.NEGATIVE_INFINITY;
  let tokens = 0;
  let length = 0;
  for (const [index, unit] of units.entries()) {
    if (index > 0 && tokens >= limit * minShare) {
      const rank = cutRank(units[index - 1], unit);
      if (rank >= bestRank) {
        best = index;
        bestRank = rank;
      }
    }
    tokens += unit.tokens;
    if (tokens > limit) {
      break;
    }
    length = index + 1;
  }
  return Math.max(1, best > 0 && best <= length ? best : length);
}

/** How good a cut between two units is; among cuts of one kind, a hash of the lines around decides. */
function cutRank(before: Unit | undefined, after: Unit): number {
  const previous = before?.text ?? '';
  const opens = startsDeclaration(after.text);
  const blankBefore = previous.trim() === '';
  const blankAfter = after.text.trim() === '';
  let kind = 0;
  if (blankBefore && !blankAfter) {
    kind = opens ? 4 : indentOf(after.text) === '' ? 3 : 2;
  } else if (opens && !/^\s*(?:@|#\[|\/[/*]|\*|#|--)/.test(previous)) {
    kind = 1;
  }
  return kind * 2 ** 32 + hash(`${previous}${after.text}`);
}

/** Whether a line begins at the margin, and neither closes something nor continues it. */
function startsDeclaration(line: string): boolean {
  return /^[\p{L}_@#"'/<[(-]/u.test(line) && !/^(?:else|elif|except|finally|catch|end)\b/.test(line);
}

/** FNV-1a (Fowler, Noll, Vo) over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  // the low bits of FNV know little of the last characters
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (value ^ (value >>> 16)) >>> 0;
}

interface PathHead {
  readonly text: string;
  readonly special: readonly number[];
  readonly tokens: number;
}

function pathHead(engine: Tokenizer, path: string, chunkTokens: number): PathHead {
  const separator = engine.model.tokens.fimSeparator;
  const separated = fileForm(engine.model.tokens) === 'separator' && separator !== undefined;
  const special = separated ? [separator] : [];
  for (let shown = wellFormed(path); ; shown = shown.slice(Math.ceil(shown.length / 4))) {
    const text = `${separated ? shown : commentPathLine(shown)}\n`;
    const tokens = special.length + engine.tokenize(text).length;
    if (tokens <= chunkTokens * maxPathShare || shown.length <= 1) {
      return { text, special, tokens };
    }
  }
}

function makeChunk(engine: Tokenizer, head: PathHead, units: readonly Unit[]): Chunk {
  const text = units.map((unit) => unit.text).join('');
  const tokens = concatenate([head.special, engine.tokenize(head.text + text)]);
  return {
    tokens,
    text,
    firstLine: units[0]?.line ?? 0,
    lastLine: units.at(-1)?.line ?? 0,
    blockLines: linesOfBlocks(units, head.tokens, tokens.length),
  };
}
