/** In which order the files of a folder are indexed, and which are left out when the index has no room for all. */

import path from 'node:path';
import { languageOfFile } from '../../base/languages';
import { importCandidates } from './imports';

/** What is known of the user's work, the most recent first in each list. Paths are below the folder. */
export interface RelevanceFacts {
  /** Open documents, with the text that their imports are read from. */
  readonly open: readonly { readonly path: string; readonly text: string }[];
  /** Files edited since the server started. */
  readonly edited: readonly string[];
  /** Files changed by the last commits. */
  readonly committed: readonly string[];
  /** Similarity to the text around the cursor, by path: higher is more similar. */
  readonly scores: ReadonlyMap<string, number>;
}

export const noFacts: RelevanceFacts = { open: [], edited: [], committed: [], scores: new Map() };

/** Imports of more open documents do not show what the user works on. */
const maxImporters = 50;

/**
 * Open files, what they import, edited ones, those of the last commits, those next to open ones, then by similarity to
 * the text around the cursor; the rest as {@link restRank} has it.
 * @param files in path order @param root of the folder, absolute
 * @returns all of them, each once
 */
export function orderFiles(files: readonly string[], root: string, facts: RelevanceFacts): string[] {
  const known = new Set(files);
  const ordered = new Set<string>();
  const take = (candidates: Iterable<string>) => {
    for (const candidate of candidates) {
      if (known.has(candidate)) {
        ordered.add(candidate);
      }
    }
  };
  take(facts.open.map((file) => file.path));
  for (const file of facts.open.slice(0, maxImporters)) {
    take(importsOf(file, root, known));
  }
  take(facts.edited);
  take(facts.committed);
  const folders = new Set(facts.open.map((file) => path.posix.dirname(file.path)));
  take(files.filter((file) => folders.has(path.posix.dirname(file))));
  const similar = [...facts.scores].filter(([, score]) => score > 0).sort(([, left], [, right]) => right - left);
  take(similar.map(([file]) => file));
  const rest = files.filter((file) => !ordered.has(file)).map((file) => ({ file, rank: restRank(file) }));
  // a sort that keeps the path order among equals
  take(rest.sort((left, right) => left.rank - right.rank).map(({ file }) => file));
  return [...ordered];
}

export function importsOf(
  file: { readonly path: string; readonly text: string },
  root: string,
  known: Pick<ReadonlySet<string>, 'has'>,
): string[] {
  const found: string[] = [];
  const below = path.join(root, path.sep);
  const isKnown = (relative: string) => known.has(relative) && relative !== file.path;
  for (const candidates of importCandidates(file.text, path.join(root, file.path), root)) {
    // path.relative takes longer than all the rest, and this runs for every key press
    const first = candidates
      .filter((candidate) => candidate.startsWith(below))
      .map((candidate) => candidate.slice(below.length).replaceAll(path.sep, '/'))
      .find(isKnown);
    if (first !== undefined) {
      found.push(first);
    }
  }
  return found;
}

const asides =
  /(?:^|\/)(?:tests?|__tests__|specs?|fixtures?|testdata|examples?|benchmarks?|third[_-]party|vendor|docs?)\//i;

/** Sources, then tests and examples, then texts, then configuration; deep paths after shallow ones of their kind. */
function restRank(file: string): number {
  const aside = asides.test(file) || /[._-](?:test|spec)\.[\s\S]|^test_[\s\S]/i.test(path.posix.basename(file));
  const content = languageOfFile(file)?.content;
  const kind = content === 'code' ? (aside ? 1 : 0) : content === 'prose' ? 2 : 3;
  return kind * 100 + Math.min(99, file.split('/').length);
}
