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

interface SourceTokens {
  readonly name: string;
  /** Tokens of each line, its end included. */
  readonly lines: readonly Int32Array[];
  readonly tokens: number;
}

/**
 * Cuts `count` documents of `length` tokens, which start at evenly spaced files of those with enough text after them.
 * @throws EngineError BAD_ARGUMENT when the folder has too little text
 */
export async function readDocuments(
  model: NativeModel,
  corpus: string,
  length: number,
  count: number,
  signal: AbortSignal,
): Promise<EvalDocument[]> {
  const sources = await readSources(model, corpus, signal);
  const remaining: number[] = [];
  sources.reduceRight((sum, source, i) => {
    remaining[i] = sum + source.tokens;
    return sum + source.tokens;
  }, 1);
  const starts = sources.map((_, i) => i).filter((i) => (remaining[i] ?? 0) >= length);
  if (starts.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `There are fewer than ${length} tokens of source code in ${corpus}.`, {
      remedy: 'Give a larger folder, or a smaller --length.',
    });
  }
  const chosen = Array.from({ length: count }, (_, k) => starts[Math.floor((k * starts.length) / count)] ?? 0);
  return [...new Set(chosen)].map((start) => join(model, sources.slice(start), length));
}

async function readSources(model: NativeModel, corpus: string, signal: AbortSignal): Promise<SourceTokens[]> {
  const files = new SourceFiles(corpus);
  const sources: SourceTokens[] = [];
  for (const relative of await walk(files, { signal })) {
    const result = await files.read(path.join(files.root, relative));
    if (result === undefined || !('file' in result)) {
      continue;
    }
    const text = `${commentPathLine(relative)}\n${result.file.text}\n`;
    const lines = splitLines(model, model.tokenize(text, false));
    sources.push({ name: relative, lines, tokens: lines.reduce((sum, line) => sum + line.length, 0) });
  }
  return sources;
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

function join(model: NativeModel, sources: readonly SourceTokens[], length: number): EvalDocument {
  const { addBos, bos } = model.info.tokens;
  const tokens = addBos && bos !== undefined ? [bos] : [];
  const starts: number[] = [];
  for (const line of sources.flatMap(({ lines }) => lines)) {
    if (tokens.length >= length) {
      break;
    }
    starts.push(tokens.length);
    tokens.push(...line);
  }
  return { name: sources[0]?.name ?? '', tokens: Int32Array.from(tokens.slice(0, length)), lines: starts };
}
