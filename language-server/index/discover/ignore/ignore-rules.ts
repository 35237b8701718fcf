/**
 * What belongs to a folder by its ignore files: `.gitignore`, `info/exclude` and `core.excludesFile` as git has them (from
 * the top of the work tree that the folder is in; a repository inside starts anew), `.ignore` as search tools have it, and
 * `.fasaignore`, which is our own. Whatever depth they are at, ours come before those of search tools, and those before
 * git's; among the files of a kind, the deepest decides. A file that git tracks is not ignored by git's rules.
 */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type ReadRefusal, readWorkspaceFile } from '../read-file';
import { ExcludeGlobs } from './exclude-globs';
import { type Environment, gitIgnoreSettings } from './git-config';
import { gitFoldersAround, gitPlace, isGitRoot } from './git-folder';
import { type IgnoreReason, IgnoreSession, type LoadedRules, type LoadOptions, type WorkTree } from './ignore-session';
import { ignoreFileLimits, RuleList } from './rule-list';
import { type TrackedFiles, trackedButIgnored } from './tracked-in-git';

interface Cached extends LoadedRules {
  readonly version: string;
}

/** Names of the files with rules: a change of one may change which files are indexed. */
const ignoreFileNames: ReadonlySet<string> = new Set(['.gitignore', '.ignore', '.fasaignore']);

export class IgnoreRules {
  readonly #root: string;
  readonly #environment: Environment;
  readonly #files = new Map<string, Cached>();
  readonly #workTrees = new Map<string, Promise<WorkTree>>();
  #excluded = new ExcludeGlobs([]);
  #tracked: Promise<TrackedFiles> | undefined;

  /** @param environment names the places of git's configuration */
  constructor(root: string, environment: Environment = process.env) {
    this.#root = root;
    this.#environment = environment;
  }

  /** @param globs of the client's settings, as VS Code writes them: from the folder's root */
  exclude(globs: readonly string[]): void {
    this.#excluded = new ExcludeGlobs(globs);
  }

  /**
   * Whether a change of the file may change which files are indexed, wherever it is.
   * @param file with forward slashes
   */
  static isRuleFile(file: string): boolean {
    return ignoreFileNames.has(file.slice(file.lastIndexOf('/') + 1)) || file.endsWith('/info/exclude');
  }

  /**
   * For many questions in a row: each ignore file is read once.
   * @param fresh for a walk: git's configuration and the list of tracked files are read again
   */
  async session({
    fresh = false,
    signal,
  }: {
    fresh?: boolean;
    signal?: AbortSignal | undefined;
  } = {}): Promise<IgnoreSession> {
    if (fresh) {
      this.#workTrees.clear();
      this.#tracked = undefined;
      this.#excluded.forgetSteps();
      for (const { rules } of this.#files.values()) {
        rules?.forgetSteps();
      }
    }
    const around = await gitFoldersAround(this.#root);
    const isInGit = around.length > 0 || (await isGitRoot(this.#root));
    return new IgnoreSession({
      root: this.#root,
      around,
      excluded: this.#excluded,
      tracked: isInGit ? this.#trackedFiles(signal) : undefined,
      load: (file, options) => this.#load(file, options),
      workTree: (top) => this.#workTree(top),
    });
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

  async #trackedFiles(signal: AbortSignal | undefined): Promise<TrackedFiles> {
    this.#tracked ??= trackedButIgnored(this.#root, this.#environment, signal);
    const asked = this.#tracked;
    const tracked = await asked;
    // a later walk may have asked anew
    if (signal?.aborted === true && this.#tracked === asked) {
      this.#tracked = undefined;
    }
    return tracked;
  }

  #workTree(top: string): Promise<WorkTree> {
    const known = this.#workTrees.get(top);
    if (known !== undefined) {
      return known;
    }
    const workTree = (async (): Promise<WorkTree> => {
      const place = await gitPlace(top);
      const { ignoreCase, excludesFile } = await gitIgnoreSettings(place, this.#environment);
      return {
        ignoreCase,
        infoExclude: path.join(place.commonFolder, 'info', 'exclude'),
        excludesFile: excludesFile === undefined ? undefined : path.resolve(top, excludesFile),
      };
    })();
    this.#workTrees.set(top, workTree);
    return workTree;
  }

  async #load(file: string, { fold, followLinks, within }: LoadOptions): Promise<LoadedRules> {
    const key = `${fold ? 'fold' : 'exact'} ${file}`;
    const { mtimeMs, ctimeMs, size, ino } = await stat(file).catch(() => noStats);
    const version = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    const cached = this.#files.get(key);
    if (cached?.version === version) {
      return cached;
    }
    const read = await readWorkspaceFile(file, {
      maxBytes: ignoreFileLimits.bytes,
      cut: true,
      followLinks,
      ...(within === undefined ? {} : { within }),
    });
    const loaded = 'refused' in read ? refused(read.refused) : { rules: new RuleList(read.bytes, { ...read, fold }) };
    if (loaded.rules === undefined && loaded.problem === undefined) {
      this.#files.delete(key);
    } else {
      this.#files.set(key, { ...loaded, version });
    }
    return loaded;
  }
}

const noStats = { mtimeMs: 0, ctimeMs: 0, size: -1, ino: 0 };

/** A missing file has no rules; a file that cannot be read is reported to the user. */
function refused(reason: ReadRefusal): LoadedRules {
  switch (reason) {
    case 'missing':
      return {};
    case 'no regular file':
      return { problem: 'is no regular file and is not read' };
    case 'symbolic link':
      return { problem: 'is a symbolic link and is not read' };
    case 'outside the folder':
      return { problem: 'leads out of the folder and is not read' };
    default:
      return { problem: 'cannot be read' };
  }
}
