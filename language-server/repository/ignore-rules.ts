/**
 * What the ignore files of a folder say: `.gitignore` and `.git/info/exclude` as git has them (from the top of the git
 * repository that the folder is in; a repository inside starts anew), `.ignore` as search tools have it, and
 * `.fasaignore`, which is our own. The deepest folder decides, and in it `.fasaignore` before `.ignore` before git's.
 */

import { lstat, stat } from 'node:fs/promises';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { ignorePatterns } from './exclude-globs';
import { readWorkspaceFile } from './read-file';

interface Cached {
  readonly mtimeMs: number;
  readonly size: number;
  readonly rules: Ignore;
}

interface FolderRules {
  /** `.fasaignore`, `.ignore` */
  readonly own: readonly Ignore[];
  /** `.gitignore`, `.git/info/exclude` */
  readonly git: readonly Ignore[];
  readonly isGitRoot: boolean;
}

/** Version control is nobody's source, and never read. */
export const versionControl: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', '.jj']);
/** Installed packages and caches are never the user's own sources. */
const installed: ReadonlySet<string> = new Set(['node_modules', '__pycache__', '.venv', '.tox', '.mypy_cache']);

/** Names of the files that hold rules: a change of one may change what is in. */
export const ignoreFileNames: ReadonlySet<string> = new Set(['.gitignore', '.ignore', '.fasaignore']);

const mostDepthOfGit = 40;
const maxIgnoreFileBytes = 512 * 1024;

export type IgnoreReason = 'ignored' | 'excluded by a setting';

export class IgnoreRules {
  readonly #root: string;
  readonly #files = new Map<string, Cached>();
  #excluded: Ignore | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** @param globs of the client's settings, as VS Code writes them: from the folder's root */
  exclude(globs: readonly string[]): void {
    const patterns = globs.flatMap(ignorePatterns);
    this.#excluded = patterns.length === 0 ? undefined : ignore().add(patterns);
  }

  /** For many questions in a row: each ignore file is looked at once. */
  async session(): Promise<IgnoreSession> {
    return new IgnoreSession(
      this.#root,
      this.#excluded,
      (file) => this.#load(file),
      await gitFoldersAround(this.#root),
    );
  }

  /** @param relative path below the root, forward slashes */
  async whyIgnored(relative: string, isFolder: boolean): Promise<IgnoreReason | undefined> {
    const session = await this.session();
    const parts = relative.split('/');
    // a folder that is ignored hides all that is in it, whatever deeper rules say
    for (let depth = 1; depth <= parts.length; depth++) {
      const last = depth === parts.length;
      const reason = await session.whyIgnored(parts.slice(0, depth), last ? isFolder : true);
      if (reason !== undefined) {
        return reason;
      }
    }
    return undefined;
  }

  async #load(file: string): Promise<Ignore | undefined> {
    try {
      const { mtimeMs, size } = await stat(file);
      const cached = this.#files.get(file);
      if (cached?.mtimeMs === mtimeMs && cached.size === size) {
        return cached.rules;
      }
      const read = await readWorkspaceFile(file, {
        maxBytes: maxIgnoreFileBytes,
        within: path.dirname(file),
        cut: true,
      });
      if ('refused' in read) {
        return undefined;
      }
      const rules = ignore().add(new TextDecoder('utf-8').decode(read.bytes));
      this.#files.set(file, { mtimeMs, size, rules });
      return rules;
    } catch {
      return undefined;
    }
  }
}

export class IgnoreSession {
  readonly #root: string;
  readonly #excluded: Ignore | undefined;
  readonly #load: (file: string) => Promise<Ignore | undefined>;
  readonly #around: readonly string[];
  readonly #folders = new Map<string, Promise<FolderRules>>();

  constructor(
    root: string,
    excluded: Ignore | undefined,
    load: (file: string) => Promise<Ignore | undefined>,
    around: readonly string[],
  ) {
    this.#root = root;
    this.#excluded = excluded;
    this.#load = load;
    this.#around = around;
  }

  /** For an entry whose folder is not ignored. */
  async whyIgnored(parts: readonly string[], isFolder: boolean): Promise<IgnoreReason | undefined> {
    const name = parts.at(-1) ?? '';
    if (versionControl.has(name) || installed.has(name)) {
      return 'ignored';
    }
    const slash = isFolder ? '/' : '';
    if (this.#excluded?.ignores(parts.join('/') + slash) === true) {
      return 'excluded by a setting';
    }
    let inGit = true;
    for (let depth = parts.length - 1; depth >= 0; depth--) {
      const rules = await this.#rulesOf(path.join(this.#root, ...parts.slice(0, depth)));
      const verdict = firstVerdict(
        inGit ? [...rules.own, ...rules.git] : rules.own,
        parts.slice(depth).join('/') + slash,
      );
      if (verdict !== undefined) {
        return verdict ? 'ignored' : undefined;
      }
      inGit &&= !rules.isGitRoot;
    }
    for (const folder of inGit ? this.#around : []) {
      const { git } = await this.#rulesOf(folder);
      const inside = path.relative(folder, this.#root).split(path.sep).join('/');
      const verdict = firstVerdict(git, `${inside}/${parts.join('/')}${slash}`);
      if (verdict !== undefined) {
        return verdict ? 'ignored' : undefined;
      }
    }
    return undefined;
  }

  #rulesOf(folder: string): Promise<FolderRules> {
    const known = this.#folders.get(folder);
    if (known !== undefined) {
      return known;
    }
    const load = async (names: readonly string[]) =>
      (await Promise.all(names.map((name) => this.#load(path.join(folder, name))))).filter((one) => one !== undefined);
    const rules = (async () => ({
      own: await load(['.fasaignore', '.ignore']),
      git: await load(['.gitignore', '.git/info/exclude']),
      isGitRoot: await isGitRoot(folder),
    }))();
    this.#folders.set(folder, rules);
    return rules;
  }
}

/** True: ignored; false: wanted back; undefined: nothing is said. */
function firstVerdict(rules: readonly Ignore[], relative: string): boolean | undefined {
  for (const rule of rules) {
    const { ignored, unignored } = rule.test(relative);
    if (ignored || unignored) {
      return ignored;
    }
  }
  return undefined;
}

/** Folders above the root whose git rules hold in it, nearest first: up to the top of the git repository. */
async function gitFoldersAround(root: string): Promise<readonly string[]> {
  if (await isGitRoot(root)) {
    return [];
  }
  const around: string[] = [];
  let folder = root;
  for (let depth = 0; depth < mostDepthOfGit; depth++) {
    const parent = path.dirname(folder);
    if (parent === folder) {
      break;
    }
    around.push(parent);
    if (await isGitRoot(parent)) {
      return around;
    }
    folder = parent;
  }
  return [];
}

async function isGitRoot(folder: string): Promise<boolean> {
  // a folder in a clone, a file in a submodule or another work tree
  return (await lstat(path.join(folder, '.git')).catch(() => undefined)) !== undefined;
}
