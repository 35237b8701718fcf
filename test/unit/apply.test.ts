import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyChanges, hunkAt, hunksOf, withHunk, withoutHunk } from '../../extension/apply/changes';
import { whyRefused } from '../../extension/apply/target-rules';

describe('where code may go', () => {
  let base = '';
  let root = '';
  beforeAll(() => {
    base = mkdtempSync(path.join(os.tmpdir(), 'fasa-apply-'));
    root = path.join(base, 'work');
    mkdirSync(path.join(root, 'src'), { recursive: true });
    mkdirSync(path.join(root, '.git', 'hooks'), { recursive: true });
    mkdirSync(path.join(base, 'outside'));
    writeFileSync(path.join(base, 'outside', 'a.ts'), '');
    symlinkSync(path.join(base, 'outside'), path.join(root, 'out'));
    symlinkSync(path.join(base, 'outside', 'a.ts'), path.join(root, 'src', 'linked.ts'));
    symlinkSync(path.join(base, 'nowhere'), path.join(root, 'src', 'dangling.ts'));
    symlinkSync(path.join(root, '.git', 'hooks'), path.join(root, 'src', 'hooks'));
    symlinkSync(path.join(root, 'src'), path.join(root, 'alias'));
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));
  const why = (file: string, trusted = true) => whyRefused(path.resolve(root, file), { trusted, folders: [root] });

  test.each([
    'src/a.ts',
    'new/deep/file.py',
    'README.md',
    'alias/a.ts',
    'git/x',
    'src/.gitignore',
    'profile.ts',
    '.github/ISSUE.md',
  ])('%s may be written', async (file) => {
    expect(await why(file)).toBeUndefined();
  });

  test.each([
    ['../outside/a.ts', 'outside of the workspace'],
    ['/etc/passwd', 'outside of the workspace'],
    ['.', 'outside of the workspace'],
    ['.git/config', 'the files of git'],
    ['.git/hooks/pre-commit', 'the files of git'],
    ['sub/.GIT/config', 'the files of git'],
    ['.git./config', 'the files of git'],
    ['.g\u200bit/config', 'the files of git'],
    ['.vscode/settings.json', 'settings and tasks'],
    ['.vscode/tasks.json', 'settings and tasks'],
    ['my.code-workspace', 'settings of the workspace'],
    ['.github/workflows/ci.yml', 'continuous integration'],
    ['.gitlab-ci.yml', 'continuous integration'],
    ['.circleci/config.yml', 'continuous integration'],
    ['Jenkinsfile', 'continuous integration'],
    ['azure-pipelines.yml', 'continuous integration'],
    ['.husky/pre-commit', 'hooks'],
    ['.devcontainer/devcontainer.json', 'container'],
    ['.bashrc', 'shell'],
    ['home/.zshenv', 'shell'],
    ['.profile', 'shell'],
    ['.envrc', 'shell'],
    ['.npmrc', 'secrets'],
    ['.env', 'secrets'],
    ['out/a.ts', 'a link leads out'],
    ['out/new.ts', 'a link leads out'],
    ['src/linked.ts', 'a link leads out'],
    ['src/dangling.ts', 'a link leads out'],
    ['src/hooks/pre-commit', 'the files of git'],
  ])('%s may not: %s', async (file, reason) => {
    expect(await why(file)).toContain(reason);
  });

  test('nothing may in a workspace that is not trusted', async () => {
    expect(await why('src/a.ts', false)).toBe('the workspace is not trusted');
  });
});

describe('search and replace', () => {
  const text = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 1;\n}\n';
  test('changes what stands there once', () => {
    const changes = [{ search: 'function a() {\n  return 1;\n', replace: 'function a() {\n  return 2;\n' }];
    expect(applyChanges(text, changes)).toBe(text.replace('1', '2'));
  });

  test('finds lines whose indent differs, and moves the new ones by as much', () => {
    const changes = [{ search: 'function b() {\nreturn 1;\n}\n', replace: 'function b() {\nreturn 3;\n}\n' }];
    expect(applyChanges(text, changes)).toContain('function b() {\nreturn 3;\n}\n');
    const inner = [{ search: 'return 1;\n}\n\nfunction b', replace: '' }];
    expect(() => applyChanges(text, inner)).toThrow('not in the file');
    const indented = applyChanges('if (x) {\n    a();\n}\n', [{ search: 'a();\n', replace: 'a();\nb();\n' }]);
    expect(indented).toBe('if (x) {\n    a();\n    b();\n}\n');
  });

  test('refuses what is not there, or there twice, or has no place', () => {
    expect(() => applyChanges(text, [{ search: 'nothing\n', replace: '' }])).toThrow('not in the file');
    expect(() => applyChanges(text, [{ search: '  return 1;\n', replace: '' }])).toThrow('2 times');
    expect(() => applyChanges(text, [{ search: '', replace: 'x' }])).toThrow('no old lines');
    expect(applyChanges('', [{ search: '', replace: 'x\n' }])).toBe('x\n');
  });

  test('leaves the end of a file without line end as it is', () => {
    expect(applyChanges('a\nb', [{ search: 'b\n', replace: 'c\n' }])).toBe('a\nc');
  });

  test('takes the text of a change literally', () => {
    expect(applyChanges('x$1\n', [{ search: 'x$1\n', replace: '$&$1\n' }])).toBe('$&$1\n');
  });
});

describe('changes one by one', () => {
  const before = 'a\nb\nc\nd\ne\nf\n';
  const after = 'a\nB\nc\nd\nx\ny\ne\n';
  test('are found by a line, taken or left, and all taken give the whole', () => {
    const hunks = hunksOf(before, after);
    expect(hunks.map(({ newStart, newEnd }) => [newStart, newEnd])).toEqual([
      [1, 2],
      [4, 6],
      [7, 7],
    ]);
    expect(hunkAt(hunks, 5)?.newText).toBe('x\ny\n');
    expect(hunkAt(hunks, 7)?.oldText).toBe('f\n');
    expect(hunkAt(hunks, 3)).toBe(hunks[1]);
    const [first] = hunks;
    expect(first && withHunk(before, first)).toBe('a\nB\nc\nd\ne\nf\n');
    expect(first && withoutHunk(after, first)).toBe('a\nb\nc\nd\nx\ny\ne\n');
    let text = before;
    for (let [next] = hunksOf(text, after); next !== undefined; [next] = hunksOf(text, after)) {
      text = withHunk(text, next);
    }
    expect(text).toBe(after);
  });

  test('of texts without a last line end', () => {
    const [hunk] = hunksOf('a', 'a\nb');
    expect(hunk && withHunk('a', hunk)).toBe('a\nb');
  });
});
