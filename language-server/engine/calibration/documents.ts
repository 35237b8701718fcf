/** Documents to calibrate with: files in path order, each after its path line, joined and cut to equal length. */

import path from 'node:path';
import { commentPathLine } from '../../index/chunk/path-line';
import type { SourceFiles } from '../../index/discover/source-files';
import { walk } from '../../index/discover/walk';

interface CalibrationText {
  /** Text of files: special tokens are plain text. */
  readonly tokenize: (text: string) => Int32Array;
  /** What every document begins with. */
  readonly start: readonly number[];
}

/** Shorter documents say nothing, because all of their tokens are read anyway. */
const minTokens = 256;

/** @throws EngineError CANCELLED */
export async function readCalibrationDocuments(
  folders: readonly SourceFiles[],
  { tokenize, start }: CalibrationText,
  { documentTokens, maxDocuments }: { readonly documentTokens: number; readonly maxDocuments: number },
  signal: AbortSignal,
): Promise<Int32Array[]> {
  const documents: Int32Array[] = [];
  let open: number[] = [...start];
  for (const sources of folders) {
    for (const relative of await walk(sources, { signal })) {
      const result = await sources.read(path.join(sources.root, relative));
      if (result === undefined || !('file' in result)) {
        continue;
      }
      const tokens = tokenize(`${commentPathLine(relative)}\n${result.file.text}\n`);
      for (let at = 0; at < tokens.length; ) {
        const part = tokens.subarray(at, at + documentTokens - open.length);
        open.push(...part);
        at += part.length;
        if (open.length === documentTokens) {
          documents.push(Int32Array.from(open));
          open = [...start];
        }
      }
      if (documents.length >= maxDocuments) {
        return documents.slice(0, maxDocuments);
      }
    }
  }
  if (open.length > minTokens) {
    documents.push(Int32Array.from(open));
  }
  return documents;
}
