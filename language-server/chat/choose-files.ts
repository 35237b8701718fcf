/** Which files a question is about: those it refers to, those it names, else those whose paths share its words. */

import path from 'node:path';
import type { Repository } from '../repository/repository';
import type { SourceFile } from '../repository/source-files';
import { walk } from '../repository/walk';

const mostFiles = 12;
/** Of a folder that a question refers to. */
const mostFilesOfFolder = 50;

export interface FoundFiles {
  readonly files: readonly SourceFile[];
  readonly refused: readonly { readonly label: string; readonly reason: string }[];
}

/**
 * What the repository has on a question.
 * @param rules.namedOnly only files whose path or name stands in the question
 * @param rules.inPlay absolute paths of files that are read without being in the prompt: those only where they are named
 * @returns most related first
 */
export async function chooseFiles(
  repository: Repository,
  question: string,
  { namedOnly, inPlay }: { readonly namedOnly: boolean; readonly inPlay: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<SourceFile[]> {
  const { sources } = repository;
  const paths = await walk(sources, { signal });
  const named = namedPaths(question, paths);
  const read = (file: string) => inPlay.has(path.join(sources.root, file));
  const chosen = named.length > 0 || namedOnly ? named : likelyPaths(question, paths).filter((file) => !read(file));
  const files: SourceFile[] = [];
  for (const relative of chosen) {
    const result = files.length < mostFiles ? await sources.read(path.join(sources.root, relative)) : undefined;
    if (result !== undefined && 'file' in result) {
      files.push(result.file);
    }
  }
  return files;
}

/** A file, or the files of a folder, in the order of their paths. */
export async function filesBelow(repository: Repository, absolute: string, signal: AbortSignal): Promise<FoundFiles> {
  const { sources } = repository;
  const own = await sources.read(absolute);
  if (own !== undefined) {
    const label = sources.relative(absolute) ?? path.basename(absolute);
    return 'file' in own
      ? { files: [own.file], refused: [] }
      : { files: [], refused: [{ label, reason: own.leftOut }] };
  }
  const folder = sources.relative(absolute);
  const paths = (await walk(sources, { signal })).filter(
    (file) => path.resolve(absolute) === sources.root || (folder !== undefined && file.startsWith(`${folder}/`)),
  );
  const label = folder ?? repository.name;
  if (paths.length === 0) {
    return { files: [], refused: [{ label, reason: 'not there, or nothing in it that is read' }] };
  }
  const files: SourceFile[] = [];
  const refused: { readonly label: string; readonly reason: string }[] = [];
  for (const relative of paths.slice(0, mostFilesOfFolder)) {
    const result = await sources.read(path.join(sources.root, relative));
    if (result !== undefined && 'file' in result) {
      files.push(result.file);
    } else if (result !== undefined) {
      refused.push({ label: relative, reason: result.leftOut });
    }
  }
  if (paths.length > mostFilesOfFolder) {
    const more = paths.length - mostFilesOfFolder;
    refused.push({ label: `${more} more files of ${label}`, reason: `only ${mostFilesOfFolder} files of a folder` });
  }
  return { files, refused };
}

/** Paths and file names that stand in the question. */
export function namedPaths(question: string, paths: readonly string[]): string[] {
  const words = question.split(/[^\w./\\@+-]+/).map((word) => word.replaceAll('\\', '/').replace(/^\.\/|[.:/]+$/g, ''));
  const names = words.filter((word) => /\w\.\w|\//.test(word) && word.length > 2);
  const matches = names.flatMap((name) => paths.filter((file) => file === name || file.endsWith(`/${name}`)));
  return [...new Set(matches)];
}

/** By the words that question and path share; then what introduces a repository. */
function likelyPaths(question: string, paths: readonly string[]): string[] {
  const asked = new Set(wordsOf(question));
  const scored = paths.map((file) => {
    const words = new Set(wordsOf(file));
    const shared = [...words].filter((word) => asked.has(word)).length;
    return { file, score: shared / Math.sqrt(words.size + 1) + (/^readme\b/i.test(file) ? 0.1 : 0) };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score || (left.file < right.file ? -1 : 1))
    .slice(0, mostFiles)
    .map(({ file }) => file);
}

/** `parseJsonFile` and `parse-json-file` have the same words. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word.length > 2);
}
