/** Repositories of an evaluation: those of a folder's corpora.json (bench/scripts/corpora.mjs), else the folder itself. */

import path from 'node:path';
import { EngineError } from '../../language-server/base/errors';
import { readNamedText } from '../../language-server/index/discover/read-file';
import { SourceFiles } from '../../language-server/index/discover/source-files';
import { walk } from '../../language-server/index/discover/walk';
import type { RepositoryFile } from './cases';
import { languageOf, SourceParser } from './syntax';

export interface CorpusRepository {
  readonly name: string;
  readonly root: string;
  readonly files: readonly RepositoryFile[];
}

/** @throws EngineError BAD_ARGUMENT for a folder without source files of the four languages; CANCELLED */
export async function readCorpus(folder: string, signal: AbortSignal): Promise<CorpusRepository[]> {
  const repositories = await readRepositories(folder, signal);
  if (repositories.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `There are no TypeScript, Python, Go or Rust files in ${folder}.`, {
      remedy: 'Give a repository, or a folder that bench/scripts/corpora.mjs made.',
    });
  }
  return repositories;
}

/** Those that have source files of the four languages. @throws EngineError CANCELLED */
export async function readRepositories(folder: string, signal: AbortSignal): Promise<CorpusRepository[]> {
  const parser = new SourceParser();
  const repositories: CorpusRepository[] = [];
  for (const root of await corpusRoots(folder)) {
    const files = await readRepository(parser, root, signal);
    if (files.length > 0) {
      repositories.push({ name: path.basename(root), root, files });
    }
  }
  return repositories;
}

export async function corpusRoots(folder: string): Promise<string[]> {
  const list = await readNamedText(path.join(folder, 'corpora.json')).catch(() => undefined);
  if (list === undefined) {
    return [path.resolve(folder)];
  }
  const { repositories } = JSON.parse(list) as { repositories: readonly { readonly folder: string }[] };
  return repositories.map((repository) => path.resolve(folder, repository.folder));
}

async function readRepository(parser: SourceParser, root: string, signal: AbortSignal): Promise<RepositoryFile[]> {
  const sources = new SourceFiles(root);
  const files: RepositoryFile[] = [];
  for (const relative of await walk(sources, { signal })) {
    const language = languageOf(relative);
    if (language === undefined) {
      continue;
    }
    const result = await sources.read(path.join(sources.root, relative));
    if (result === undefined || !('file' in result)) {
      continue;
    }
    const { text } = result.file;
    const names = await parser.names(relative, text);
    if (names !== undefined) {
      files.push({ path: relative, text, language, names });
    }
  }
  return files;
}
