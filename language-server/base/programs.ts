/**
 * Programs that are started: found by absolute entries of the search path alone. An empty or relative entry means the
 * current folder, which may be the workspace of a stranger, and a file there may have the name of any program.
 */

import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the absolute path of a program, or undefined where there is none */
export function programPath(name: string, environment: Environment = process.env): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', '.com'] : [''];
  for (const folder of (environment['PATH'] ?? environment['Path'] ?? '').split(path.delimiter)) {
    for (const ending of path.isAbsolute(folder) ? endings : []) {
      const file = path.join(folder, `${name}${ending}`);
      if (isProgram(file)) {
        return file;
      }
    }
  }
  return undefined;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A folder that no workspace is in, for programs that need none: the root of the file system. */
export const neutralFolder = path.parse(process.execPath).root;
