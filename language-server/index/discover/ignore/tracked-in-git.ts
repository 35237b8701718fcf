/** Files that git tracks although a rule of its own ignores them: they are part of the repository. Asks git. */

import { gitOutput } from '../git-log';
import type { Environment } from './git-config';

export interface TrackedFiles {
  /** Paths below the folder, with forward slashes. */
  readonly files: ReadonlySet<string>;
  /** All folders around those files. */
  readonly folders: ReadonlySet<string>;
}

const noFiles: TrackedFiles = { files: new Set(), folders: new Set() };

/** @returns no files without git, and none of repositories inside the folder; never rejects */
export async function trackedButIgnored(
  root: string,
  environment: Environment,
  signal: AbortSignal | undefined,
): Promise<TrackedFiles> {
  const argv = ['ls-files', '-z', '--cached', '--ignored', '--exclude-standard', '--', '.'];
  const output = await gitOutput(root, argv, signal, environment);
  const files = output.split('\0').filter((name) => name !== '');
  if (files.length === 0) {
    return noFiles;
  }
  const folders = new Set<string>();
  for (const file of files) {
    for (let end = file.lastIndexOf('/'); end > 0; end = file.lastIndexOf('/', end - 1)) {
      folders.add(file.slice(0, end));
    }
  }
  return { files: new Set(files), folders };
}
