/** Documents of an evaluation: files of a folder in path order, each after its path line, joined and cut. */

import path from 'node:path';
import { EngineError } from '../../language-server/base/errors';
import type { NativeModel } from '../../language-server/engine/native/addon';
import { commentPathLine } from '../../language-server/index/chunk/path-line';
import { SourceFiles } from '../../language-server/index/discover/source-files';
import { walk } from '../../language-server/index/discover/walk';

export interface EvalDocument {
  /** The file it begins with. */
  readonly name: string;
  readonly tokens: Int32Array;
  /** Positions in tokens where a line begins, ascending. */
  readonly lines: readonly number[];
}

interface Piece {
  readonly name: string;
  /** Tokens of each line, its end included. */
  readonly lines: readonly Int32Array[];
  readonly tokens: number;
}

/**
 * `count` documents of `length` tokens that start at evenly spaced files, of those that leave enough behind them.
 * @throws EngineError BAD_ARGUMENT when the folder has too little text
 */
export async function readDocuments(
  model: NativeModel,
  corpus: string,
  length: number,
  count: number,
  signal: AbortSignal,
): Promise<EvalDocument[]> {
  const pieces = await readPieces(model, corpus, signal);
  const behind: number[] = [];
  pieces.reduceRight((sum, piece, i) => {
    behind[i] = sum + piece.tokens;
    return sum + piece.tokens;
  }, 1);
  const starts = pieces.map((_, i) => i).filter((i) => (behind[i] ?? 0) >= length);
  if (starts.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `There are fewer than ${length} tokens of source code in ${corpus}.`, {
      remedy: 'Give a larger folder, or a smaller --length.',
    });
  }
  const chosen = Array.from({ length: count }, (_, k) => starts[Math.floor((k * starts.length) / count)] ?? 0);
  return [...new Set(chosen)].map((start) => join(model, pieces.slice(start), length));
}

async function readPieces(model: NativeModel, corpus: string, signal: AbortSignal): Promise<Piece[]> {
  const sources = new SourceFiles(corpus);
  const pieces: Piece[] = [];
  for (const relative of await walk(sources, { signal })) {
    const result = await sources.read(path.join(sources.root, relative));
    if (result === undefined || !('file' in result)) {
      continue;
    }
    const text = `${commentPathLine(relative)}\n${result.file.text}\n`;
    const lines = splitLines(model, model.tokenize(text, false));
    pieces.push({ name: relative, lines, tokens: lines.reduce((sum, line) => sum + line.length, 0) });
  }
  return pieces;
}

/** After each token that holds the end of a line. */
function splitLines(model: NativeModel, tokens: Int32Array): Int32Array[] {
  const ends = new Map<number, boolean>();
  const lines: Int32Array[] = [];
  let from = 0;
  tokens.forEach((token, i) => {
    let end = ends.get(token);
    if (end === undefined) {
      end = model.tokenBytes(token).at(-1) === 0x0a;
      ends.set(token, end);
    }
    if (end || i === tokens.length - 1) {
      lines.push(tokens.slice(from, i + 1));
      from = i + 1;
    }
  });
  return lines;
}

function join(model: NativeModel, pieces: readonly Piece[], length: number): EvalDocument {
  const { addBos, bos } = model.info.tokens;
  const tokens = addBos && bos !== undefined ? [bos] : [];
  const starts: number[] = [];
  for (const line of pieces.flatMap(({ lines }) => lines)) {
    if (tokens.length >= length) {
      break;
    }
    starts.push(tokens.length);
    tokens.push(...line);
  }
  return { name: pieces[0]?.name ?? '', tokens: Int32Array.from(tokens.slice(0, length)), lines: starts };
}
