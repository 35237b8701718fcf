/**
 * Where code of an answer may go. An answer can be steered by whatever the model read, so what runs by itself, or
 * changes what runs, is for the user's own hands: version control, editor and container settings, CI, start files.
 */

import { lstat, realpath } from 'node:fs/promises';
import * as path from 'node:path';

export interface TargetFacts {
  readonly trusted: boolean;
  /** Absolute paths of the workspace's folders. */
  readonly folders: readonly string[];
}

const folders: Readonly<Record<string, string>> = {
  '.git': 'the files of git',
  '.hg': 'the files of Mercurial',
  '.svn': 'the files of Subversion',
  '.jj': 'the files of Jujutsu',
  '.vscode': 'settings and tasks of the editor',
  '.idea': 'settings of an editor',
  '.fleet': 'settings of an editor',
  '.devcontainer': 'what starts a container',
  '.husky': 'hooks that git runs',
  '.githooks': 'hooks that git runs',
  '.circleci': 'continuous integration',
  '.buildkite': 'continuous integration',
  '.teamcity': 'continuous integration',
  '.woodpecker': 'continuous integration',
  '.ci': 'continuous integration',
};

/** Of a hosting service: the folders below these names. */
const hosting = /(?:^|\/)\.(?:github|gitea|forgejo|gitlab)\/(?:workflows|actions|ci)(?:\/|$)/i;

const files: readonly (readonly [RegExp, string])[] = [
  [/\.code-workspace$/i, 'settings of the workspace'],
  [/^\.devcontainer\.json$/i, 'what starts a container'],
  [
    /^(?:\.gitlab-ci|\.travis|\.?appveyor|azure-pipelines.*|bitbucket-pipelines|\.drone|\.cirrus|\.woodpecker.*|cloudbuild.*|buildspec.*|\.semaphore.*)\.ya?ml$/i,
    'continuous integration',
  ],
  [/^jenkinsfile(?:\..*)?$/i, 'continuous integration'],
  [/^(?:\.pre-commit-config|lefthook|\.lefthook)\.(?:ya?ml|toml|json)$/i, 'hooks that git runs'],
  [/^\.(?:gitconfig|gitmodules|gitattributes|hgrc)$/i, 'settings of version control'],
  [
    /^\.(?:bash_?(?:rc|profile|login|logout|aliases)|profile|z(?:shrc|shenv|profile|login|logout)|kshrc|cshrc|tcshrc|login|logout|envrc|inputrc|xinitrc|xprofile|xsession)$/i,
    'what a shell runs when it starts',
  ],
  [/^(?:config\.fish|fish_variables|(?:.*_)?profile\.ps1|autoexec\.bat)$/i, 'what a shell runs when it starts'],
  [/^\.(?:npmrc|yarnrc(?:\.ya?ml)?|pypirc|netrc|env(?:\..*)?)$/i, 'secrets, or where packages come from'],
];

/** @returns why nothing is written there, as the end of a sentence; undefined: it may be written */
export async function whyRefused(file: string, { trusted, folders: roots }: TargetFacts): Promise<string | undefined> {
  if (!trusted) {
    return 'the workspace is not trusted';
  }
  const lexical = below(path.resolve(file), roots);
  if (lexical === undefined) {
    return 'it is outside of the workspace';
  }
  const named = byName(lexical);
  if (named !== undefined) {
    return named;
  }
  // a link may lead elsewhere, on the way or at the end; a file that is not there yet lands where its folder really is
  const real = await reallyAt(path.resolve(file));
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const inside = real === undefined ? undefined : below(real, realRoots);
  return inside === undefined ? 'a link leads out of the workspace' : byName(inside);
}

function byName(relative: string): string | undefined {
  const parts = relative.split('/');
  // Windows and macOS drop or fold such endings
  const clean = parts.map((part) =>
    part
      .replace(/[. ]+$/, '')
      .replace(/:.*$/, '')
      .normalize('NFKC')
      .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, ''),
  );
  for (const part of clean) {
    const reason = Object.hasOwn(folders, part.toLowerCase()) ? folders[part.toLowerCase()] : undefined;
    if (reason !== undefined) {
      return `it belongs to ${reason}`;
    }
  }
  if (hosting.test(clean.join('/'))) {
    return 'it belongs to continuous integration';
  }
  const base = clean.at(-1) ?? '';
  const found = files.find(([pattern]) => pattern.test(base));
  return found === undefined ? undefined : `it belongs to ${found[1]}`;
}

/** With forward slashes; undefined where it is below none, or is one of the folders itself. */
function below(file: string, roots: readonly string[]): string | undefined {
  for (const root of roots) {
    const relative = path.relative(root, file);
    if (relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..') {
      return relative.split(path.sep).join('/');
    }
  }
  return undefined;
}

/** Of a path that is not there: its nearest folder that is, and the rest. A link to nowhere is nowhere. */
async function reallyAt(file: string): Promise<string | undefined> {
  const rest: string[] = [];
  for (let at = file; ; at = path.dirname(at)) {
    try {
      return path.join(await realpath(at), ...rest);
    } catch {
      const isLink = await lstat(at).then(
        (info) => info.isSymbolicLink(),
        () => false,
      );
      if (isLink || path.dirname(at) === at) {
        return undefined;
      }
      rest.unshift(path.basename(at));
    }
  }
}
