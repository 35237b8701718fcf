/** The texts of all files of folders, each after its path line: what a model is calibrated with. */

import path from 'node:path';
import { commentPathLine } from './chunk/path-line';
import type { SourceFiles } from './discover/source-files';
import { walk } from './discover/walk';

/** In path order, folder after folder; each file is read when its text is asked for. @throws EngineError CANCELLED */
export async function* fileTexts(folders: readonly SourceFiles[], signal: AbortSignal): AsyncGenerator<string> {
  for (const sources of folders) {
    for (const relative of await walk(sources, { signal })) {
      const result = await sources.read(path.join(sources.root, relative));
      if (result !== undefined && 'file' in result) {
        yield `${commentPathLine(relative)}\n${result.file.text}\n`;
      }
    }
  }
}
