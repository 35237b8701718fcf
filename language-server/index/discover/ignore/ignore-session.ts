/** Answers many questions in a row about what is ignored; the ignore files of each folder are read once. */

import path from 'node:path';
import type { ExcludeGlobs } from './exclude-globs';
import { isGitRoot } from './git-folder';
import { toBytes } from './gitignore-pattern';
import { Pace } from './match-pace';
import { type RuledEntry, type RuleList, ruledEntry } from './rule-list';
import type { TrackedFiles } from './tracked-in-git';

/** Names in a folder that decide what is ignored in it. */
const ruleNames: ReadonlySet<string> = new Set(['.git', '.gitignore', '.ignore', '.fasaignore']);

/** Version control is nobody's source, and never read. */
export const versionControl: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', '.jj']);
/** Installed packages and caches are never the user's own sources. */
const installed: ReadonlySet<string> = new Set(['node_modules', '__pycache__', '.venv', '.tox', '.mypy_cache']);

export type IgnoreReason = 'ignored' | 'excluded by a setting';

/** Limits over all ignore files of one walk: rules over them are not applied. */
const limitsInAll = { rules: 200_000, wildcardBytes: 512 * 1024 };

export interface LoadedRules {
  readonly rules?: RuleList;
  /** Why it is not read, as a clause that follows the file's name. */
  readonly problem?: string;
}

export interface LoadOptions {
  readonly fold: boolean;
  readonly followLinks: boolean;
  readonly within?: string;
}

/** What a git work tree has beside its `.gitignore` files. */
export interface WorkTree {
  readonly ignoreCase: boolean;
  readonly infoExclude: string;
  readonly excludesFile: string | undefined;
}

interface SessionParts {
  readonly root: string;
  /** Folders above the root, up to the top of its work tree, nearest first. */
  readonly around: readonly string[];
  readonly excluded: ExcludeGlobs;
  /**
   * The tracked files of the work tree that the root is in. Never rejects; the first question whose answer needs it
   * waits.
   */
  readonly tracked: Promise<TrackedFiles> | undefined;
  readonly load: (file: string, options: LoadOptions) => Promise<LoadedRules>;
  readonly workTree: (top: string) => Promise<WorkTree>;
}

interface Level {
  readonly rules: RuleList;
  /** Bytes of the folder's path, with its slash: what follows is below the folder. */
  readonly offset: number;
}

/** The rules for what is in a folder; the first ones decide. */
interface Chain {
  readonly own: readonly Level[];
  readonly search: readonly Level[];
  /** `.gitignore` alone. */
  readonly git: readonly Level[];
  /** `info/exclude`, then `core.excludesFile`. */
  readonly ofWorkTree: readonly Level[];
  readonly ignoreCase: boolean;
}

const emptyChain: Chain = { own: [], search: [], git: [], ofWorkTree: [], ignoreCase: false };

export class IgnoreSession {
  readonly #parts: SessionParts;
  readonly #chains = new Map<string, Promise<Chain>>();
  /** For each folder that was read, which of `ruleNames` it has, in small letters. */
  readonly #ruleNamesIn = new Map<string, ReadonlySet<string>>();
  /** The root's path below the outermost folder, with a slash at the end. */
  readonly #prefix: string;
  readonly #pace = new Pace();
  readonly #loaded = new Map<string, LoadedRules>();
  readonly #problems: string[] = [];
  /** Folders that git ignores, with something tracked below. */
  readonly #ignoredFolders = new Set<string>();
  #left = { ...limitsInAll };

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const outermost = parts.around.at(-1) ?? parts.root;
    const inside = path.relative(outermost, parts.root).split(path.sep).join('/');
    this.#prefix = inside === '' ? '' : `${inside}/`;
  }

  /** Whole sentences on rules that are not applied. */
  get problems(): readonly string[] {
    const ofFiles = [...this.#loaded].flatMap(([file, { rules, problem }]) =>
      [...(problem === undefined ? [] : [problem]), ...(rules?.problems ?? [])].map(
        (clause) => `${this.#nameOf(file)} ${clause}.`,
      ),
    );
    return [...ofFiles, ...this.#problems, ...this.#parts.excluded.problems];
  }

  /**
   * To be called before the first question about what is in a folder that was read: no rule file is opened that is not
   * among its names. Most folders have none, and trying to open each costs more than reading the folder.
   * @param folder its names below the root
   * @param names of all that is in it
   */
  foundIn(folder: readonly string[], names: readonly string[]): void {
    // a file system that folds case finds `.gitignore` under another spelling
    const found = names.map((name) => name.toLowerCase()).filter((name) => ruleNames.has(name));
    this.#ruleNamesIn.set(folder.join('/'), new Set(found));
  }

  /** Answers for an entry whose folder is not ignored, and was asked about before the entry. */
  async whyIgnored(parts: readonly string[], isFolder: boolean): Promise<IgnoreReason | undefined> {
    const name = parts.at(-1) ?? '';
    if (versionControl.has(name) || installed.has(name)) {
      return 'ignored';
    }
    const relative = parts.join('/');
    if (await this.#parts.excluded.excludes(relative, isFolder, this.#pace)) {
      return 'excluded by a setting';
    }
    const folder = parts.slice(0, -1);
    const chain = await this.#chainOf(folder);
    const entry = ruledEntry(this.#prefix + relative, isFolder);
    const wanted = (await this.#decide(chain.own, entry)) ?? (await this.#decide(chain.search, entry));
    const isIgnored = wanted ?? (await this.#ignoredByGit(chain, entry, relative, folder.join('/')));
    if (this.#pace.isSpent) {
      this.#dropWildcards();
    }
    return isIgnored ? 'ignored' : undefined;
  }

  async #ignoredByGit(chain: Chain, entry: RuledEntry, relative: string, folder: string): Promise<boolean> {
    const decision = this.#ignoredFolders.has(folder)
      ? true
      : ((await this.#decide(chain.git, entry)) ?? (await this.#decide(chain.ofWorkTree, entry)));
    if (decision !== true) {
      return false;
    }
    const tracked = await this.#parts.tracked;
    if (entry.isFolder && tracked?.folders.has(relative) === true) {
      this.#ignoredFolders.add(relative);
      return false;
    }
    return tracked?.files.has(relative) !== true;
  }

  async #decide(levels: readonly Level[], { path: whole, name, isFolder }: RuledEntry): Promise<boolean | undefined> {
    for (const { rules, offset } of levels) {
      const decision = await rules.decide({ path: whole.slice(offset), name, isFolder }, this.#pace);
      if (decision !== undefined) {
        return decision;
      }
    }
    return undefined;
  }

  /** @param folder its names below the root */
  #chainOf(folder: readonly string[]): Promise<Chain> {
    const key = folder.join('/');
    const known = this.#chains.get(key);
    if (known !== undefined) {
      return known;
    }
    const chain = this.#extend(
      path.join(this.#parts.root, ...folder),
      this.#prefix + (key === '' ? '' : `${key}/`),
      folder.length === 0 ? this.#chainAround() : this.#chainOf(folder.slice(0, -1)),
      this.#ruleNamesIn.get(key),
    );
    this.#chains.set(key, chain);
    return chain;
  }

  /** The rules of the folders above the root, the outermost first. */
  async #chainAround(): Promise<Chain> {
    const around = [...this.#parts.around].reverse();
    const top = around[0];
    let chain = emptyChain;
    for (const folder of around) {
      const inside = path
        .relative(top ?? folder, folder)
        .split(path.sep)
        .join('/');
      chain = await this.#extend(folder, inside === '' ? '' : `${inside}/`, Promise.resolve(chain), undefined);
    }
    return chain;
  }

  /**
   * The rules of a folder before those of the folder around it.
   * @param inside its path, with a slash at the end
   * @param names which of `ruleNames` it has; undefined: any
   */
  async #extend(
    folder: string,
    inside: string,
    around: Promise<Chain>,
    names: ReadonlySet<string> | undefined,
  ): Promise<Chain> {
    let chain = await around;
    if (names?.size === 0) {
      return chain;
    }
    const mayHave = (name: string) => names?.has(name) ?? true;
    const offset = toBytes(inside).length;
    if (mayHave('.git') && (await isGitRoot(folder))) {
      const { ignoreCase, infoExclude, excludesFile } = await this.#parts.workTree(folder);
      const files = [infoExclude, ...(excludesFile === undefined ? [] : [excludesFile])];
      const levels = await Promise.all(
        files.map((file) => this.#level(file, offset, { fold: ignoreCase, followLinks: true })),
      );
      chain = { ...chain, git: [], ofWorkTree: levels.flat(), ignoreCase };
    }
    const level = async (name: string, fold: boolean, followLinks: boolean) =>
      mayHave(name)
        ? this.#level(path.join(folder, name), offset, {
            fold,
            followLinks,
            within: this.#parts.around.at(-1) ?? this.#parts.root,
          })
        : [];
    const [own, search, git] = await Promise.all([
      level('.fasaignore', false, true),
      level('.ignore', false, true),
      // git itself follows no link here
      level('.gitignore', chain.ignoreCase, false),
    ]);
    return {
      ...chain,
      own: [...own, ...chain.own],
      search: [...search, ...chain.search],
      git: [...git, ...chain.git],
    };
  }

  /** @returns none where the file says nothing */
  async #level(file: string, offset: number, options: LoadOptions): Promise<Level[]> {
    const loaded = this.#loaded.get(file) ?? (await this.#parts.load(file, options));
    if (loaded.rules === undefined && loaded.problem === undefined) {
      return [];
    }
    this.#loaded.set(file, loaded);
    const { rules } = loaded;
    if (rules === undefined || rules.size === 0) {
      return [];
    }
    const { rules: rulesLeft, wildcardBytes } = this.#left;
    if (rules.size > rulesLeft || rules.wildcardBytes > wildcardBytes) {
      this.#problems.push(`${this.#nameOf(file)} is not applied: the ignore files before it have too many rules.`);
      return [];
    }
    this.#left = { rules: rulesLeft - rules.size, wildcardBytes: wildcardBytes - rules.wildcardBytes };
    return [{ rules, offset }];
  }

  #nameOf(file: string): string {
    const relative = path.relative(this.#parts.root, file);
    return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative.split(path.sep).join('/');
  }

  #dropWildcards(): void {
    for (const { rules } of this.#loaded.values()) {
      rules?.dropWildcards();
    }
    this.#parts.excluded.drop();
  }
}
