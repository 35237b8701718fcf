/** Which files of a folder the last commits changed, by asking git. Without git, or outside of a repository: none. */

import { execFile } from 'node:child_process';

const mostCommits = 100;
const mostMs = 5000;
const mostBytes = 4 * 1024 * 1024;

/** @returns paths below the folder with forward slashes, the latest change first; never rejects */
export function recentInGit(root: string, signal: AbortSignal): Promise<readonly string[]> {
  const argv = [
    // nothing that the repository's configuration names may run
    ...['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'log.showSignature=false'],
    ...['-C', root, 'log', '-n', String(mostCommits), '--no-merges', '--no-ext-diff', '--no-textconv', '--no-color'],
    ...['--format=', '--name-only', '--relative', '-z', '--', '.'],
  ];
  const environment = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1' };
  return new Promise((resolve) => {
    const child = execFile(
      'git',
      argv,
      { signal, timeout: mostMs, maxBuffer: mostBytes, encoding: 'utf8', env: environment, windowsHide: true },
      (error, stdout) => {
        // what came before the limit is as good
        const whole = error === null || stdout !== '' ? stdout : '';
        resolve([...new Set(whole.split(/[\0\n]/).filter((name) => name !== ''))]);
      },
    );
    child.stdin?.end();
  });
}
