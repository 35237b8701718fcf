/** Which files of the folder a source file imports, by its text alone: relative imports of six languages. */

import path from 'node:path';
import { type ImportSyntax, languageOfFile } from '../../base/languages';

/** Candidates in the order of the imports; for each, the paths to try in turn. Absolute paths. */
type ImportCandidates = readonly (readonly string[])[];

interface ImportRules {
  readonly pattern: RegExp;
  readonly resolve: (name: string, file: string, root: string) => string[];
}

const scriptEndings = ['.ts', '.tsx', '.js', '.jsx', '.mts', '.cts', '.mjs', '.cjs', '.d.ts', '.vue', '.svelte'];

const script: ImportRules = {
  pattern: /(?:\bfrom\s*|\bimport\s*(?:\(\s*)?|\brequire\s*\(\s*)(['"])(\.{1,2}\/?[^'"\n]*)\1/g,
  resolve(name, file) {
    const target = path.resolve(path.dirname(file), name);
    // TypeScript sources name the .js that they become
    const bare = target.replace(/\.(?:[mc]?js|jsx)$/, '');
    const bases = bare === target ? [target] : [target, bare];
    return bases.flatMap((base) => [
      base,
      ...scriptEndings.map((ending) => base + ending),
      ...scriptEndings.slice(0, 4).map((ending) => path.join(base, `index${ending}`)),
    ]);
  },
};

const python: ImportRules = {
  pattern: /^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b[ \t]*\(?([\w, \t]*)|import[ \t]+([\w.]+))/gm,
  resolve(name, file, root) {
    const dots = /^\.*/.exec(name)?.[0].length ?? 0;
    const parts = name.slice(dots).split('.').filter(Boolean);
    const bases =
      dots > 0
        ? [path.resolve(path.dirname(file), ...Array<string>(dots - 1).fill('..'))]
        : [path.dirname(file), root, path.join(root, 'src')];
    return bases.flatMap((base) => {
      const target = path.join(base, ...parts);
      return parts.length === 0
        ? [path.join(target, '__init__.py')]
        : [`${target}.py`, path.join(target, '__init__.py')];
    });
  },
};

const c: ImportRules = {
  pattern: /^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"/gm,
  resolve: (name, file, root) =>
    [path.dirname(file), root, path.join(root, 'include'), path.join(root, 'src')].map((base) => path.join(base, name)),
};

const rust: ImportRules = {
  pattern: /^[ \t]*(?:pub(?:\([\w: ]+\))?[ \t]+)?(?:mod[ \t]+(\w+)[ \t]*;|use[ \t]+((?:crate|super|self)(?:::\w+)+))/gm,
  resolve(name, file, root) {
    const parts = name.split('::');
    const stem = path.basename(file, '.rs');
    const own = ['mod', 'lib', 'main'].includes(stem) ? path.dirname(file) : path.join(path.dirname(file), stem);
    const first = parts[0];
    const base = first === 'crate' ? path.join(root, 'src') : first === 'super' ? path.dirname(own) : own;
    const names = first === 'crate' || first === 'super' || first === 'self' ? parts.slice(1) : parts;
    // the last names of a `use` are items, so shorter paths are tried as well
    const targets: string[] = [];
    for (const part of names.slice(0, maxModules)) {
      targets.push(path.join(targets.at(-1) ?? base, part));
    }
    return targets.reverse().flatMap((target) => [`${target}.rs`, path.join(target, 'mod.rs')]);
  },
};

const rulesOf: Readonly<Record<ImportSyntax, ImportRules>> = { c, python, rust, script };

/** Imports stand at the top; more text than this is not searched. */
const maxChars = 32_768;
const maxImports = 64;
/**
 * No path of a source is longer, and none of a crate deeper: what is over is data, and each name has many candidates.
 */
const maxNameChars = 512;
const maxModules = 32;

/**
 * @param file absolute path of the document
 * @param root absolute path of its folder. Go imports name packages, not files: its own package is what is next to it.
 */
export function importCandidates(text: string, file: string, root: string): ImportCandidates {
  const syntax = languageOfFile(file)?.imports;
  if (syntax === undefined) {
    return [];
  }
  const rules = rulesOf[syntax];
  const names = new Set<string>();
  for (const match of text.slice(0, maxChars).matchAll(rules.pattern)) {
    for (const name of importedNames(rules, match)) {
      if (name.length <= maxNameChars) {
        names.add(name);
      }
    }
    if (names.size >= maxImports) {
      break;
    }
  }
  return [...names].slice(0, maxImports).map((name) => rules.resolve(name, file, root));
}

function importedNames(rules: ImportRules, match: RegExpMatchArray): string[] {
  if (rules === script) {
    return match[2] === undefined ? [] : [match[2]];
  }
  if (rules !== python) {
    return match.slice(1).filter((name) => name !== undefined);
  }
  const [, from, items, module] = match;
  if (from === undefined) {
    return module === undefined ? [] : [module];
  }
  // `from . import a, b` and `from package import module` name modules after the word import
  const joint = from.endsWith('.') ? from : `${from}.`;
  const modules = (items ?? '')
    .split(',')
    .map((item) => item.trim().split(/\s/)[0] ?? '')
    .filter((item) => /^\w+$/.test(item));
  return [from, ...modules.map((item) => joint + item)];
}
