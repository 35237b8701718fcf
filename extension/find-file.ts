/** Which file of the workspace an answer means: the workspace is asked, not the letters of the name. */

interface WorkspaceFiles {
  /** The one of the current file first; paths with forward slashes. */
  readonly folders: readonly { readonly name: string; readonly path: string }[];
  isFile(path: string): Promise<boolean>;
  /** Paths of files with this name, anywhere in the workspace that is searched. */
  withName(name: string): Promise<readonly string[]>;
}

/**
 * @param named paths as the answer has them, the likeliest first
 * @returns the file, or all that end like the path where none is there as named; empty: there is none
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

/** With forward slashes; undefined for one that leads up. */
function cleanPath(path: string): string | undefined {
  const clean = path.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  return clean === '' || clean.split('/').includes('..') || /^[A-Za-z]:/.test(clean) ? undefined : clean;
}

function placesIn({ name, path }: { readonly name: string; readonly path: string }, named: string): string[] {
  if (named.startsWith(`${path}/`)) {
    return [named];
  }
  // from the root of the repository, or with the folder's own name first
  const relative = named.replace(/^\/+/, '');
  const within = relative.startsWith(`${name}/`) ? [`${path}/${relative.slice(name.length + 1)}`] : [];
  return [`${path}/${relative}`, ...within];
}
