/** Which files a question is about: those it refers to, those it names, else those whose paths share its words. */

import path from 'node:path';
import type { Repository } from '../repository/repository';
import type { SourceFile } from '../repository/source-files';
import { walk } from '../repository/walk';

const mostFiles = 12;

export interface FileQuestion {
  readonly question: string;
  /** Absolute paths, in the order of their weight. */
  readonly references: readonly string[];
  readonly signal: AbortSignal;
}

/** @returns most related first */
export async function chooseFiles(repository: Repository, asked: FileQuestion): Promise<SourceFile[]> {
  const { sources } = repository;
  const paths = await walk(sources, { signal: asked.signal });
  const named = namedPaths(asked.question, paths);
  const chosen = named.length > 0 || asked.references.length > 0 ? named : likelyPaths(asked.question, paths);
  const candidates = [...asked.references, ...chosen.map((relative) => path.join(sources.root, relative))];
  const files: SourceFile[] = [];
  for (const candidate of new Set(candidates)) {
    const result = files.length < mostFiles ? await sources.read(candidate) : undefined;
    if (result !== undefined && 'file' in result) {
      files.push(result.file);
    }
  }
  return files;
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
