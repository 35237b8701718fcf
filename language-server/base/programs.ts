/**
 * Finds programs to start, only by absolute entries of the search path. An empty or relative entry means the current folder, which
 * may be a stranger's workspace, and a file in it may have the name of any program.
 */

import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the absolute path of the program, or undefined if there is none */
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

/** The root of the file system, as the current folder of programs that need none: it is in no workspace. */
export const neutralFolder = path.parse(process.execPath).root;
