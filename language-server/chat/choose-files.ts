/** Chooses the files that a question is about: those it refers to or names, or else those whose paths share words with it. */

import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ListOptions } from '../index/discover/file-list';
import type { SourceFile } from '../index/discover/source-files';
import type { WorkspaceFolder } from '../index/workspace-folders';

const maxFiles = 12;
/** A pasted log may name thousands of files that cannot be read, so only so many are tried. */
const maxTried = 200;
/** Of a folder that a question refers to, so many files are read. */
const maxFilesOfFolder = 50;

interface FoundFiles {
  readonly files: readonly SourceFile[];
  readonly refused: readonly { readonly label: string; readonly reason: string }[];
}

/**
 * Chooses files of the repository for a question.
 * @param rules.namedOnly take only files whose path or name is in the question
 * @param rules.retrieved absolute paths of files that the answer reads as chunks: they are taken only where they are named
 * @returns the most related files first
 */
export async function chooseFiles(
  folder: WorkspaceFolder,
  question: string,
  { namedOnly, retrieved }: { readonly namedOnly: boolean; readonly retrieved: ReadonlySet<string> },
  list: ListOptions,
): Promise<SourceFile[]> {
  const { sources } = folder;
  const paths = await folder.fileList.paths(list);
  const named = namedPaths(question, paths);
  const read = (file: string) => retrieved.has(path.join(sources.root, file));
  const chosen =
    named.length > 0 || namedOnly ? named : (await likelyPaths(question, paths)).filter((file) => !read(file));
  const files: SourceFile[] = [];
  for (const relative of chosen.slice(0, maxTried)) {
    if (files.length >= maxFiles) {
      break;
    }
    const result = await sources.read(path.join(sources.root, relative));
    if (result !== undefined && 'file' in result) {
      files.push(result.file);
    }
  }
  return files;
}

/** Reads a file, or the files of a folder in the order of their paths. */
export async function filesBelow(folder: WorkspaceFolder, absolute: string, list: ListOptions): Promise<FoundFiles> {
  const { sources } = folder;
  const own = await sources.read(absolute);
  if (own !== undefined) {
    const label = sources.relative(absolute) ?? path.basename(absolute);
    return 'file' in own
      ? { files: [own.file], refused: [] }
      : { files: [], refused: [{ label, reason: own.leftOut }] };
  }
  const below = sources.relative(absolute);
  const isRoot = path.resolve(absolute) === sources.root;
  const paths = (await folder.fileList.paths(list)).filter(
    (file) => isRoot || (below !== undefined && file.startsWith(`${below}/`)),
  );
  const label = below ?? folder.name;
  if (paths.length === 0) {
    return { files: [], refused: [{ label, reason: 'not there, or nothing in it that is read' }] };
  }
  const files: SourceFile[] = [];
  const refused: { readonly label: string; readonly reason: string }[] = [];
  for (const relative of paths.slice(0, maxFilesOfFolder)) {
    const result = await sources.read(path.join(sources.root, relative));
    if (result !== undefined && 'file' in result) {
      files.push(result.file);
    } else if (result !== undefined) {
      refused.push({ label: relative, reason: result.leftOut });
    }
  }
  if (paths.length > maxFilesOfFolder) {
    const more = paths.length - maxFilesOfFolder;
    refused.push({ label: `${more} more files of ${label}`, reason: `only ${maxFilesOfFolder} files of a folder` });
  }
  return { files, refused };
}

/** The paths that a question names, whole or by their ends. */
export function namedPaths(question: string, paths: readonly string[]): string[] {
  const words = question
    .split(/[^\w./\\@+-]+/)
    .map((word) => word.replaceAll('\\', '/').replace(/^\.\/|(?<![.:/])[.:/]+$/g, ''));
  const names = new Set(words.filter((word) => /\w\.\w|\//.test(word) && word.length > 2));
  const matches = pathsByEnd(paths, names);
  return [...new Set([...names].flatMap((name) => matches.get(name) ?? []))];
}

/**
 * Looks at each path once, however many names there are: a pasted log names thousands.
 * @returns for each name, the paths that equal it or end with it
 */
function pathsByEnd(paths: readonly string[], names: ReadonlySet<string>): Map<string, string[]> {
  const lastParts = new Set([...names].map((name) => name.slice(name.lastIndexOf('/') + 1)));
  const found = new Map<string, string[]>();
  for (const file of lastParts.size === 0 ? [] : paths) {
    let start = file.lastIndexOf('/') + 1;
    if (!lastParts.has(file.slice(start))) {
      continue;
    }
    while (true) {
      const end = file.slice(start);
      if (names.has(end)) {
        const others = found.get(end);
        if (others === undefined) {
          found.set(end, [file]);
        } else {
          others.push(file);
        }
      }
      if (start <= 1) {
        break;
      }
      start = file.lastIndexOf('/', start - 2) + 1;
    }
  }
  return found;
}

/** Ranks paths by the words that they share with the question; readme files rank a little higher. */
async function likelyPaths(question: string, paths: readonly string[]): Promise<string[]> {
  const index = wordIndexes.get(paths) ?? indexWords(paths);
  wordIndexes.set(paths, index);
  const { byWord, readmes } = await index;
  const shared = new Map<PathWords, number>();
  for (const word of new Set(wordsOf(question))) {
    for (const entry of byWord.get(word) ?? []) {
      shared.set(entry, (shared.get(entry) ?? 0) + 1);
    }
  }
  for (const entry of readmes) {
    shared.set(entry, shared.get(entry) ?? 0);
  }
  return [...shared]
    .map(([entry, words]) => ({
      file: entry.file,
      score: words / Math.sqrt(entry.words + 1) + (readmes.has(entry) ? 0.1 : 0),
    }))
    .sort((left, right) => right.score - left.score || (left.file < right.file ? -1 : 1))
    .slice(0, maxFiles)
    .map(({ file }) => file);
}

interface PathWords {
  readonly file: string;
  /** How many different words the path has. */
  readonly words: number;
}

interface WordIndex {
  readonly byWord: ReadonlyMap<string, readonly PathWords[]>;
  readonly readmes: ReadonlySet<PathWords>;
}

/** The index of a list of paths is made once: a draft is sized at each pause of typing. */
const wordIndexes = new WeakMap<readonly string[], Promise<WordIndex>>();
/** Indexing so many characters takes some milliseconds; then other work gets its turn. */
const charsAtOnce = 65_536;

async function indexWords(paths: readonly string[]): Promise<WordIndex> {
  const byWord = new Map<string, PathWords[]>();
  const readmes = new Set<PathWords>();
  let chars = 0;
  for (const file of paths) {
    const words = new Set(wordsOf(file));
    const entry: PathWords = { file, words: words.size };
    for (const word of words) {
      const others = byWord.get(word);
      if (others === undefined) {
        byWord.set(word, [entry]);
      } else {
        others.push(entry);
      }
    }
    if (/^readme\b/i.test(file)) {
      readmes.add(entry);
    }
    chars += file.length;
    if (chars > charsAtOnce) {
      chars = 0;
      await nextTurn();
    }
  }
  return { byWord, readmes };
}

/** Splits names into words: `parseJsonFile` and `parse-json-file` have the same ones. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word.length > 2);
}
