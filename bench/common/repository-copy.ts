/** The repository that a benchmark reads and edits: a copy, so that the user's files stay as they are. */

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { commentPathLine } from '../../language-server/index/chunk/path-line';
import { readNamedText } from '../../language-server/index/discover/read-file';
import { SourceFiles } from '../../language-server/index/discover/source-files';
import { walk } from '../../language-server/index/discover/walk';

/** Copies what the walk finds; answers the paths, forward slashes. @throws EngineError CANCELLED */
export async function copyRepository(from: string, to: string, signal: AbortSignal): Promise<string[]> {
  const sources = new SourceFiles(from);
  const files = await walk(sources, { signal });
  for (const file of files) {
    const target = path.join(to, file);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(path.join(sources.root, file), target);
  }
  return files;
}

/** Puts a comment into the middle of a file, at the next line that begins a paragraph. */
export async function editInTheMiddle(root: string, file: string): Promise<void> {
  const target = path.join(root, file);
  const text = await readNamedText(target);
  await writeFile(target, withLineInTheMiddle(text, commentPathLine(file)));
}

export function withLineInTheMiddle(text: string, line: string): string {
  const middle = text.indexOf('\n\n', text.length >> 1);
  return middle === -1 ? `${text}\n${line}\n` : `${text.slice(0, middle + 1)}${line}\n${text.slice(middle + 1)}`;
}
