import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from './paths.mjs';

const temporary = new Set();

function removeTemporary() {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
  temporary.clear();
}
process.on('exit', removeTemporary);
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  // A script with a listener of its own (start.mjs) ends itself; all others leave nothing half done behind.
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(code);
  });
}

/** Creates a folder that is removed when the script ends, however it ends. It is in `near`, so that a rename from it is atomic. */
export function temporaryFolder(near = build) {
  const folder = path.join(near, `.tmp-${process.pid}-${randomUUID().slice(0, 8)}`);
  mkdirSync(folder, { recursive: true });
  temporary.add(folder);
  return folder;
}

/**
 * Writes a file so that a reader sees the old or the new one, never a part: the guarantee of `writeWhole` in
 * language-server/base/cache-files.ts, for scripts that run before anything is compiled.
 */
export function writeAtomic(file, data) {
  mkdirSync(path.dirname(file), { recursive: true });
  const part = `${file}.${process.pid}.${randomUUID().slice(0, 8)}.part`;
  try {
    writeFileSync(part, data, { flag: 'wx', flush: true });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** Moves a finished folder to its place and removes what was there. */
export function replaceFolder(from, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  const old = `${to}.old-${process.pid}`;
  try {
    renameSync(to, old);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  renameSync(from, to);
  rmSync(old, { recursive: true, force: true });
}

/** The hex digest of a file, or undefined if there is none. */
export function fileHash(file) {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
}

export function textHash(text) {
  return createHash('sha256').update(text).digest('hex');
}

export function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

export function readJson(file) {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** All files under a folder with this ending, sorted; none if the folder does not exist. */
export function filesUnder(folder, ending) {
  let entries;
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** The total size of the files in a folder, in bytes. */
export function folderBytes(folder) {
  let bytes = 0;
  for (const file of filesUnder(folder, '')) {
    try {
      bytes += statSync(file).size;
    } catch {
      // The file disappeared meanwhile: a download renames its parts.
    }
  }
  return bytes;
}
