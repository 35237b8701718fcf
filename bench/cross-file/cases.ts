/** Cases of `eval cross-file`: places where a file uses a name that another file of the repository defines. */

import { shuffled } from '../common/statistics';
import type { SourceLanguage, SourceNames } from './syntax';

export interface RepositoryFile {
  /** Below the repository's folder, forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly language: SourceLanguage;
  readonly names: SourceNames;
}

export interface CrossFileCase {
  readonly file: RepositoryFile;
  readonly name: string;
  /** Where the name begins, in UTF-16 units of the file's text. */
  readonly offset: number;
  /** Paths of the files that define it. */
  readonly definedIn: readonly string[];
}

interface CaseRules {
  readonly count: number;
  /** How the part of the file in front of a place, which the model will see, begins. */
  readonly tailStart: (text: string, offset: number) => number;
}

/** A name that more files define is not asked for. */
const maxDefinitions = 3;
const maxPerFile = 12;
const maxPerName = 2;
/** UTF-16 units that a tail has at least: with less in front of it, nothing points to a name. */
const minTail = 400;

/**
 * Names of two words or more, defined in one to three other files, not bound in the file itself, and not found as a word
 * anywhere in the tail (imports that are in it included).
 */
export function findCases(files: readonly RepositoryFile[], rules: CaseRules, random: () => number): CrossFileCase[] {
  const definitions = definitionsOf(files);
  const candidates = files.flatMap((file) => candidatesOf(file, definitions, rules));
  const perFile = new Map<string, number>();
  const perName = new Map<string, number>();
  const chosen: CrossFileCase[] = [];
  for (const one of shuffled(candidates, random)) {
    const [inFile, ofName] = [perFile.get(one.file.path) ?? 0, perName.get(one.name) ?? 0];
    if (chosen.length >= rules.count) {
      break;
    }
    if (inFile < maxPerFile && ofName < maxPerName) {
      chosen.push(one);
      perFile.set(one.file.path, inFile + 1);
      perName.set(one.name, ofName + 1);
    }
  }
  return chosen;
}

function definitionsOf(files: readonly RepositoryFile[]): ReadonlyMap<string, readonly string[]> {
  const definitions = new Map<string, string[]>();
  for (const { path, names } of files) {
    for (const name of names.defined) {
      definitions.set(name, [...(definitions.get(name) ?? []), path]);
    }
  }
  return definitions;
}

function candidatesOf(
  file: RepositoryFile,
  definitions: ReadonlyMap<string, readonly string[]>,
  { tailStart }: CaseRules,
): CrossFileCase[] {
  const found: CrossFileCase[] = [];
  for (const { name, offset } of file.names.used) {
    const definedIn = definitions.get(name) ?? [];
    if (definedIn.length === 0 || definedIn.length > maxDefinitions || file.names.bound.has(name) || !isTelling(name)) {
      continue;
    }
    const start = tailStart(file.text, offset);
    if (offset - start >= minTail && !hasWord(`${file.path}\n${file.text.slice(start, offset)}`, name)) {
      found.push({ file, name, offset, definedIn });
    }
  }
  return found;
}

/** `parse_file` and `parseFile`, but not `parse` or `_x`. */
export function isTelling(name: string): boolean {
  const words = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+/g) ?? [];
  return /^[A-Za-z]\w*[A-Za-z0-9]$/.test(name) && name.length >= 6 && words.length >= 2;
}

export function hasWord(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w$])${name}(?![\\w$])`).test(text);
}
