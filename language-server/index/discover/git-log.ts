/**
 * Which files of a folder the last commits changed: git answers. Without git, or outside of a repository, there are
 * none.
 */

import { execFile } from 'node:child_process';
import { neutralFolder, programPath } from '../../base/programs';
import type { Environment } from './ignore/git-config';

const maxCommits = 100;
const maxMs = 5000;
const maxBytes = 4 * 1024 * 1024;

/** @returns paths below the folder with forward slashes, the latest change first; never rejects */
export async function recentInGit(root: string, signal: AbortSignal): Promise<readonly string[]> {
  const argv = [
    ...['log', '-n', String(maxCommits), '--no-merges', '--no-ext-diff', '--no-textconv', '--no-color'],
    ...['--format=', '--name-only', '--relative', '-z', '--', '.'],
  ];
  const output = await gitOutput(root, argv, signal);
  return [...new Set(output.split(/[\0\n]/).filter((name) => name !== ''))];
}

/** The output of git in a folder; empty when git fails or is not installed. Never rejects. */
export function gitOutput(
  root: string,
  command: readonly string[],
  signal: AbortSignal | undefined,
  inherited: Environment = process.env,
): Promise<string> {
  const argv = [
    // nothing that the repository's configuration names may run; older versions of git fetch what a partial clone lacks
    // by a command of that configuration, so no protocol is allowed below
    ...['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'log.showSignature=false'],
    ...['-C', root, ...command],
  ];
  const environment = {
    ...inherited,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: '',
  };
  const git = programPath('git', inherited);
  if (git === undefined) {
    return Promise.resolve('');
  }
  return new Promise((resolve) => {
    const child = execFile(
      git,
      argv,
      {
        cwd: neutralFolder,
        signal,
        timeout: maxMs,
        maxBuffer: maxBytes,
        encoding: 'utf8',
        env: environment,
        windowsHide: true,
      },
      // the output up to the limit is usable
      (_error, stdout) => resolve(stdout),
    );
    child.stdin?.end();
  });
}
