import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programPath } from '../../../language-server/base/programs';
import { gitOutput, recentInGit } from '../../../language-server/index/discover/git-log';
import { which } from '../../../scripts/lib/process.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-programs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(file: string, text = 'exit 0'): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

test.each(['', '.', './bin', 'bin'])(
  'an entry of the search path that is no absolute folder is passed over: %j',
  (entry) => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      program(path.join(folder, 'tool'));
      program(path.join(folder, 'bin', 'tool'));
      const wanted = program(path.join(folder, 'real', 'tool'));
      const searchPath = [entry, path.join(folder, 'real')].join(path.delimiter);
      expect(programPath('tool', { PATH: searchPath })).toBe(wanted);
      expect(which('tool', searchPath)).toBe(wanted);
      expect(programPath('tool', { PATH: entry })).toBeUndefined();
    } finally {
      process.chdir(before);
    }
  },
);

test('a folder and a file without execute permission are not taken for programs', () => {
  mkdirSync(path.join(folder, 'tool'));
  writeFileSync(path.join(folder, 'other'), '');
  expect(programPath('tool', { PATH: folder })).toBeUndefined();
  expect(programPath('other', { PATH: folder })).toBeUndefined();
});

test('a git in the workspace is not run for the workspace', async () => {
  const ran = path.join(folder, 'ran');
  program(path.join(folder, 'git'), `echo ran > ${ran}`);
  const before = process.cwd();
  process.chdir(folder);
  try {
    const environment = { ...process.env, PATH: `.${path.delimiter}${process.env['PATH']}` };
    await gitOutput(folder, ['status'], undefined, environment);
  } finally {
    process.chdir(before);
  }
  expect(existsSync(ran)).toBe(false);
});

test('a partial clone that lacks what the log needs runs no command of its configuration', async () => {
  const ran = path.join(folder, 'ran');
  const repository = path.join(folder, 'clone');
  mkdirSync(repository);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { stdio: 'pipe' });
  git('init', '-q');
  writeFileSync(path.join(repository, 'a.ts'), 'a\n');
  git('add', '.');
  git('commit', '-qm', 'a');
  writeFileSync(path.join(repository, 'b.ts'), 'b\n');
  git('add', '.');
  git('commit', '-qm', 'b');
  const command = program(path.join(folder, 'harm'), `echo ran >> ${ran}`);
  for (const [name, value] of [
    ['core.repositoryformatversion', '1'],
    ['extensions.partialclone', 'origin'],
    ['remote.origin.url', 'ssh://example.invalid/x'],
    ['remote.origin.promisor', 'true'],
    ['remote.origin.partialclonefilter', 'blob:none'],
    ['remote.origin.uploadpack', command],
    ['core.sshCommand', command],
    ['core.fsmonitor', command],
    ['core.hooksPath', folder],
    ['core.pager', command],
    ['diff.external', command],
    ['gpg.program', command],
    ['log.showSignature', 'true'],
  ] as const) {
    git('config', name, value);
  }
  // the trees are gone: the log would have to fetch them
  const tree = execFileSync('git', ['-C', repository, 'rev-parse', 'HEAD^{tree}'], { encoding: 'utf8' }).trim();
  rmSync(path.join(repository, '.git', 'objects', tree.slice(0, 2), tree.slice(2)));
  await recentInGit(repository, new AbortController().signal);
  expect(existsSync(ran)).toBe(false);
});
