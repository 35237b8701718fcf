/** Finds the file that an answer means by looking in the workspace, not at the letters of the name. */

interface WorkspaceFiles {
  /** The folder of the current file comes first. Paths have forward slashes. */
  readonly folders: readonly { readonly name: string; readonly path: string }[];
  isFile(path: string): Promise<boolean>;
  /** Returns the paths of all files with this name in the searched part of the workspace. */
  withName(name: string): Promise<readonly string[]>;
}

/**
 * @param named paths as they are in the answer, the most likely first
 * @returns the file; where none has that very path, all files whose paths end with it; empty when there is none
 */
export async function findNamed(named: readonly string[], files: WorkspaceFiles): Promise<string[]> {
  const clean = named.flatMap((path) => cleanPath(path) ?? []);
  for (const path of clean) {
    for (const folder of files.folders) {
      for (const file of placesIn(folder, path)) {
        if (await files.isFile(file)) {
          return [file];
        }
      }
    }
  }
  for (const path of clean) {
    const end = `/${path.replace(/^\/+/, '')}`;
    const found = await files.withName(end.slice(end.lastIndexOf('/') + 1));
    const ending = [...new Set(found)].filter((file) => file.normalize().endsWith(end.normalize()));
    if (ending.length > 0) {
      return ending.sort();
    }
  }
  return [];
}

/** @returns the path with forward slashes; undefined when it leads up or is absolute on Windows */
function cleanPath(path: string): string | undefined {
  const clean = path.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  return clean === '' || clean.split('/').includes('..') || /^[A-Za-z]:/.test(clean) ? undefined : clean;
}

function placesIn({ name, path }: { readonly name: string; readonly path: string }, named: string): string[] {
  if (named.startsWith(`${path}/`)) {
    return [named];
  }
  // the path may start at the root of the repository, or with the name of the folder
  const relative = named.replace(/^\/+/, '');
  const within = relative.startsWith(`${name}/`) ? [`${path}/${relative.slice(name.length + 1)}`] : [];
  return [`${path}/${relative}`, ...within];
}
