/**
 * Decides which files an answer may write to. Anything that the model has read can influence an answer, so only the user
 * changes files that run by themselves or configure what runs: version control, editor and container settings, CI, start files.
 */

import { lstat, realpath } from 'node:fs/promises';
import * as path from 'node:path';

interface TargetFacts {
  readonly trusted: boolean;
  /** Absolute paths of the workspace's folders. */
  readonly folders: readonly string[];
}

/** Protected folders, with what their files belong to, as the reason says it. */
const folders: Readonly<Record<string, string>> = {
  '.git': 'the files of git',
  '.hg': 'the files of Mercurial',
  '.svn': 'the files of Subversion',
  '.jj': 'the files of Jujutsu',
  '.vscode': 'settings and tasks of the editor',
  '.idea': 'settings of an editor',
  '.fleet': 'settings of an editor',
  '.zed': 'settings of an editor',
  '.vs': 'settings of an editor',
  nbproject: 'settings of an editor',
  '.devcontainer': 'what starts a container',
  '.husky': 'hooks that git runs',
  '.githooks': 'hooks that git runs',
  '.circleci': 'continuous integration',
  '.buildkite': 'continuous integration',
  '.teamcity': 'continuous integration',
  '.woodpecker': 'continuous integration',
  '.ci': 'continuous integration',
  '.claude': 'settings of a coding agent',
  '.cursor': 'settings of a coding agent',
  '.codex': 'settings of a coding agent',
  '.gemini': 'settings of a coding agent',
  '.continue': 'settings of a coding agent',
  '.windsurf': 'settings of a coding agent',
  '.kiro': 'settings of a coding agent',
  '.roo': 'settings of a coding agent',
  '.amazonq': 'settings of a coding agent',
  '.mvn': 'settings of a build tool',
  '.cargo': 'settings of a build tool',
};

/** Protected paths below folders that are harmless themselves. */
const paths: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)\.(?:github|gitea|forgejo|gitlab)\/(?:workflows|actions|ci)(?:\/|$)/i, 'continuous integration'],
  [
    /(?:^|\/)\.github\/(?:copilot-[^/]*|instructions|prompts|agents|chatmodes|hooks|skills|mcp\.json)(?:\/|$)/i,
    'settings of a coding agent',
  ],
  [/(?:^|\/)gradle\/wrapper\//i, 'settings of a build tool'],
  // a page about agents in the documentation is harmless
  [/^(?!(?:.*\/)?docs?\/)(?:.*\/)?(?:agents|claude|gemini)(?:\.local|\.override)?\.md$/i, 'what coding agents follow'],
];

const files: readonly (readonly [RegExp, string])[] = [
  [/\.(?:code-workspace|sublime-project|sublime-workspace)$/i, 'settings of the workspace'],
  [/^(?:\.nvim\.lua|\.nvimrc|[._](?:vimrc|gvimrc|exrc|lvimrc)|\.dir-locals(?:-2)?\.el)$/i, 'settings of an editor'],
  [/^\.?devcontainer\.json$/i, 'what starts a container'],
  [
    /^(?:\.gitlab-ci.*|\.travis|\.?appveyor|azure-pipelines.*|bitbucket-pipelines|\.drone|\.cirrus|\.woodpecker.*|cloudbuild.*|buildspec.*|\.semaphore.*|\.?circle|codemagic|screwdriver|\.?zuul|\.?readthedocs)\.ya?ml$/i,
    'continuous integration',
  ],
  [/^jenkinsfile(?:\..*)?$/i, 'continuous integration'],
  [/^(?:\.pre-commit-config|lefthook.*|\.lefthook.*|prek)\.(?:ya?ml|toml|json)$/i, 'hooks that git runs'],
  [/^\.(?:huskyrc|lintstagedrc|simple-git-hooks)(?:\..*)?$/i, 'hooks that git runs'],
  [/^\.(?:gitconfig|gitmodules|gitattributes|hgrc)$/i, 'settings of version control'],
  [
    /^\.(?:bash_?(?:rc|profile|login|logout|aliases)|profile|z(?:shrc|shenv|profile|login|logout)|kshrc|cshrc|tcshrc|login|logout|envrc|inputrc|xinitrc|xprofile|xsession)$/i,
    'what a shell runs when it starts',
  ],
  [/^(?:config\.fish|fish_variables|(?:.*_)?profile\.ps1|autoexec\.bat)$/i, 'what a shell runs when it starts'],
  [/^(?:sitecustomize|usercustomize)\.py$|\.pth$/i, 'what Python runs when it starts'],
  [
    /^(?:\.(?:gdbinit|lldbinit|irbrc|pryrc|rprofile|pdbrc|pythonrc(?:\.py)?|ghci)|rprofile\.site)$/i,
    'what a tool runs when it starts',
  ],
  [
    /^(?:\.?mcp\.json|\.(?:cursor|windsurf|cline|roo|aider|goose)(?:rules|hints|modes)(?:\..*)?|\.aider\..*)$/i,
    'what coding agents follow',
  ],
  [
    /^(?:\.(?:npmrc|yarnrc(?:\.ya?ml)?|pnpmfile\.c?js|pypirc|netrc|bowerrc|condarc|gemrc)|_netrc|pip\.(?:conf|ini)|nuget\.config|bunfig\.toml)$/i,
    'secrets, or where packages come from',
  ],
  [/^\.env(?:\..*)?$/i, 'secrets, or where packages come from'],
];

/**
 * Most folders and files with a leading dot are settings of tools, and most of those can name a program to run. A list of
 * them would never be complete, so this is a list of those that cannot run anything.
 */
const harmlessFolders = new Set(
  '.github .gitlab .gitea .forgejo .storybook .changeset .changes .vitepress .vuepress .dumi .well-known .reuse .assets .docs .images .templates .test .tests'.split(
    ' ',
  ),
);
const harmlessFiles: readonly RegExp[] = [
  /^\.(?:[a-z]*ignore|gitkeep|keep|empty|placeholder|mailmap|nojekyll|editorconfig|npmpackagejsonlintrc)$/,
  /^\.(?:nvmrc|(?:node|python|ruby|java|go|terraform|swift|php|rust)-version|tool-versions|browserslistrc)$/,
  /^\.(?:prettier|stylelint|eslint|babel|jshint|jscs|htmlhint|tslint|textlint|remark|swc|cspell|alex)rc(?:\.(?:json[5c]?|ya?ml|toml))?$/,
  /^\.(?:markdownlint|markdown-link-check|cspell|yamllint|hadolint|codecov|swagger-codegen|spectral|typos|oxlintrc|prettierrc)\.(?:json[5c]?|ya?ml|toml)$/,
  /^\.(?:yamllint|clang-format|clang-tidy|rustfmt\.toml|rspec|rubocop_todo\.yml|swiftformat|swiftlint\.yml|scalafmt\.conf|sqlfluff|isort\.cfg|ruff\.toml|formatter\.exs|stylua\.toml|luacheckrc\.json|style\.yapf|cmake-format(?:\.ya?ml)?|dockerignore)$/,
  /^\.(?:env|envrc)\.(?:example|sample|template|dist|defaults?)$|^\.(?:example|sample|template)\.env$/,
];

/** @returns why nothing may be written there, as the end of a sentence; undefined when it may */
export async function refusalReason(
  file: string,
  { trusted, folders: roots }: TargetFacts,
): Promise<string | undefined> {
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
  // any part of the path may be a link; a file that does not exist yet would be created in the real folder
  const real = await realPathOf(path.resolve(file));
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const inside = real === undefined ? undefined : below(real, realRoots);
  return inside === undefined ? 'a link leads out of the workspace' : byName(inside);
}

function byName(relative: string): string | undefined {
  const parts = relative.split('/');
  // Windows drops dots and spaces at the end and streams after a colon; macOS normalizes Unicode
  const clean = parts.map((part) =>
    part
      .replace(/(?<![. ])[. ]+$/, '')
      .replace(/:[\s\S]*$/, '')
      .normalize('NFKC')
      .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, ''),
  );
  const lower = clean.map((part) => part.toLowerCase());
  const reason = reasonOf(lower);
  return reason === undefined ? undefined : `it belongs to ${reason}`;
}

/** @param parts of the path, in lower case; the last is the file name */
function reasonOf(parts: readonly string[]): string | undefined {
  const base = parts.at(-1) ?? '';
  if (harmlessFiles.some((pattern) => pattern.test(base)) && !parts.slice(0, -1).some(isProtectedFolder)) {
    return undefined;
  }
  for (const part of parts) {
    if (Object.hasOwn(folders, part)) {
      return folders[part];
    }
  }
  const joined = parts.join('/');
  const found = paths.find(([pattern]) => pattern.test(joined)) ?? files.find(([pattern]) => pattern.test(base));
  if (found !== undefined) {
    return found[1];
  }
  const isHidden = base.startsWith('.') && !harmlessFolders.has(base);
  return isHidden || parts.slice(0, -1).some(isProtectedFolder)
    ? 'the settings of another tool, which may run what they say'
    : undefined;
}

function isProtectedFolder(part: string): boolean {
  return Object.hasOwn(folders, part) || (part.startsWith('.') && !harmlessFolders.has(part));
}

/** @returns the path below one of the folders, with forward slashes; undefined outside of all and for a folder itself */
function below(file: string, roots: readonly string[]): string | undefined {
  for (const root of roots) {
    const relative = path.relative(root, file);
    if (relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..') {
      return relative.split(path.sep).join('/');
    }
  }
  return undefined;
}

/** Resolves links, also in a path whose last parts do not exist yet. @returns undefined for a link to nowhere */
async function realPathOf(file: string): Promise<string | undefined> {
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
