import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hunkAt, hunksOf, withHunk, withoutHunk } from '../../../../extension/edits/changes';
import { Proposal } from '../../../../extension/edits/proposal';
import { refusalReason } from '../../../../extension/edits/target-rules';
import { applyChanges } from './apply-changes';

describe('the files that an answer may write to', () => {
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
  const why = (file: string, trusted = true) => refusalReason(path.resolve(root, file), { trusted, folders: [root] });

  test.each([
    'src/a.ts',
    'new/deep/file.py',
    'README.md',
    'alias/a.ts',
    'git/x',
    'src/.gitignore',
    'profile.ts',
    '.github/ISSUE.md',
    '.github/dependabot.yml',
    '.gitignore',
    'web/.dockerignore',
    '.editorconfig',
    '.prettierrc',
    '.prettierrc.json',
    '.eslintrc.json',
    '.nvmrc',
    '.env.example',
    '.storybook/preview.ts',
    '.changeset/quick-foxes.md',
    'docs/agents.md',
    'src/agents.ts',
    'claude.py',
    'Makefile',
    'package.json',
    'conftest.py',
    'vite.config.ts',
    'gradle/libs.versions.toml',
    'src/.hidden/../a.ts',
  ])('%s is allowed', async (file) => {
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
    ['.claude/settings.json', 'a coding agent'],
    ['sub/.Claude/settings.local.json', 'a coding agent'],
    ['.claude/hooks/after.sh', 'a coding agent'],
    ['.mcp.json', 'coding agents'],
    ['.cursor/mcp.json', 'a coding agent'],
    ['.cursorrules', 'coding agents'],
    ['.gemini/settings.json', 'a coding agent'],
    ['.github/copilot-instructions.md', 'a coding agent'],
    ['AGENTS.md', 'coding agents'],
    ['packages/a/CLAUDE.md', 'coding agents'],
    ['.aider.conf.yml', 'coding agents'],
    ['.cargo/config.toml', 'a build tool'],
    ['crates/a/.cargo/config', 'a build tool'],
    ['.mvn/jvm.config', 'a build tool'],
    ['gradle/wrapper/gradle-wrapper.properties', 'a build tool'],
    ['.nvim.lua', 'an editor'],
    ['.exrc', 'an editor'],
    ['_vimrc', 'an editor'],
    ['.vimrc', 'an editor'],
    ['.zed/settings.json', 'an editor'],
    ['.zed/tasks.json', 'an editor'],
    ['.idea/runConfigurations/all.xml', 'an editor'],
    ['.dir-locals.el', 'an editor'],
    ['app.sublime-project', 'the workspace'],
    ['.gitattributes', 'version control'],
    ['.gitmodules', 'version control'],
    ['.lintstagedrc.json', 'hooks'],
    ['.pnpmfile.cjs', 'where packages come from'],
    ['pip.conf', 'where packages come from'],
    ['NuGet.Config', 'where packages come from'],
    ['bunfig.toml', 'where packages come from'],
    ['sitecustomize.py', 'Python'],
    ['.gdbinit', 'a tool runs'],
    ['.Rprofile', 'a tool runs'],
    ['.bazelrc', 'another tool'],
    ['.pylintrc', 'another tool'],
    ['.luarc.json', 'another tool'],
    ['.clangd', 'another tool'],
    ['.tmux.conf', 'another tool'],
    ['.mocharc.json', 'another tool'],
    ['.prettierrc.js', 'another tool'],
    ['.eslintrc.cjs', 'another tool'],
    ['.unheard-of/settings.json', 'another tool'],
    ['.unheard-of/.gitignore', 'another tool'],
    ['.CONFIG/direnv/direnv.toml', 'another tool'],
    ['out/a.ts', 'a link leads out'],
    ['out/new.ts', 'a link leads out'],
    ['src/linked.ts', 'a link leads out'],
    ['src/dangling.ts', 'a link leads out'],
    ['src/hooks/pre-commit', 'the files of git'],
  ])('%s is refused: %s', async (file, reason) => {
    expect(await why(file)).toContain(reason);
  });

  test('every file is refused in an untrusted workspace', async () => {
    expect(await why('src/a.ts', false)).toBe('the workspace is not trusted');
  });
});

describe('a SEARCH/REPLACE change', () => {
  const text = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 1;\n}\n';
  test('replaces lines that occur once', () => {
    const changes = [{ search: 'function a() {\n  return 1;\n', replace: 'function a() {\n  return 2;\n' }];
    expect(applyChanges(text, changes)).toBe(text.replace('1', '2'));
  });

  test('finds lines in another indentation, and shifts the new ones by as much', () => {
    const changes = [{ search: 'function b() {\nreturn 1;\n}\n', replace: 'function b() {\nreturn 3;\n}\n' }];
    expect(applyChanges(text, changes)).toContain('function b() {\nreturn 3;\n}\n');
    const inner = [{ search: 'return 1;\n}\n\nfunction b', replace: '' }];
    expect(() => applyChanges(text, inner)).toThrow('not found in the file');
    const indented = applyChanges('if (x) {\n    a();\n}\n', [{ search: 'a();\n', replace: 'a();\nb();\n' }]);
    expect(indented).toBe('if (x) {\n    a();\n    b();\n}\n');
  });

  test('is refused when its old lines are missing, occur twice, or are empty', () => {
    expect(() => applyChanges(text, [{ search: 'nothing\n', replace: '' }])).toThrow('not found in the file');
    expect(() => applyChanges(text, [{ search: '  return 1;\n', replace: '' }])).toThrow('2 times');
    expect(() => applyChanges(text, [{ search: '', replace: 'x' }])).toThrow('empty SEARCH part');
    expect(applyChanges('', [{ search: '', replace: 'x\n' }])).toBe('x\n');
  });

  test('keeps a file without a final line break as it is', () => {
    expect(applyChanges('a\nb', [{ search: 'b\n', replace: 'c\n' }])).toBe('a\nc');
  });

  test('inserts replacement patterns like $& literally', () => {
    expect(applyChanges('x$1\n', [{ search: 'x$1\n', replace: '$&$1\n' }])).toBe('$&$1\n');
  });
});

describe('hunks of a proposal', () => {
  const before = 'a\nb\nc\nd\ne\nf\n';
  const after = 'a\nB\nc\nd\nx\ny\ne\n';
  test('are found by line, accepted or rejected, and together make the proposed text', () => {
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

  test('work without a final line break', () => {
    const [hunk] = hunksOf('a', 'a\nb');
    expect(hunk && withHunk('a', hunk)).toBe('a\nb');
  });
});

describe('a proposal whose file is edited during the review', () => {
  const base = 'a\nb\nc\nd\ne\nf\ng\nh\n';
  const text = 'a\nB\nc\nd\ne\nf\nG\nh\n';
  const take = (proposal: Proposal<string>, current: string, ...which: number[]) => {
    const hunks = proposal.hunks().filter((_, index) => which.includes(index));
    const merged = proposal.merged(current, hunks);
    if (merged.conflicts.length === 0) {
      proposal.accepted(current, merged.text, hunks);
    }
    return merged;
  };

  test('keeps all that was typed elsewhere', () => {
    const current = 'new\na\nb\nc\nd\ntyped\nmore\ne\nf\ng\nh\nlast\n';
    const merged = new Proposal('x', base, text).merged(current, new Proposal('x', base, text).hunks());
    expect(merged).toEqual({ text: 'new\na\nB\nc\nd\ntyped\nmore\ne\nf\nG\nh\nlast\n', conflicts: [] });
  });

  test('takes over what was typed, so that it is not shown as removed', () => {
    const proposal = new Proposal('x', base, text);
    expect(proposal.follow(base.replace('d\n', 'd\ntyped\n'))).toBe(true);
    expect(proposal.text).toBe(text.replace('d\n', 'd\ntyped\n'));
    expect(proposal.hunks().map(({ newText }) => newText)).toEqual(['B\n', 'G\n']);
    expect(proposal.follow(base)).toBe(true);
    expect(proposal.text).toBe(text);
  });

  test.each([
    ['changed', 'a\nb, typed\nc\nd\ne\nf\ng\nh\n'],
    ['removed', 'a\nc\nd\ne\nf\ng\nh\n'],
    ['followed by a typed line', 'a\nb\ntyped\nc\nd\ne\nf\ng\nh\n'],
    ['removed with those around', 'e\nf\ng\nh\n'],
  ])('refuses a change whose line was %s, and accepts the other', (_, current) => {
    const proposal = new Proposal('x', base, text);
    expect(proposal.follow(current)).toBe(false);
    expect(take(proposal, current, 0, 1).conflicts.map(({ newText }) => newText)).toEqual(['B\n']);
    expect(take(proposal, current, 0).conflicts).toHaveLength(1);
    expect(take(proposal, current, 1)).toEqual({ text: current.replace('g', 'G'), conflicts: [] });
    expect(proposal.hunks().map(({ newText }) => newText)).toEqual(['B\n']);
  });

  test('proposes an accepted change again after an undo, and not after an edit', () => {
    const proposal = new Proposal('x', base, text);
    const { text: accepted } = take(proposal, base, 0);
    expect(proposal.hunks()).toHaveLength(1);
    proposal.follow(accepted.replace('B', 'B, typed'));
    expect(proposal.text).toBe(text.replace('B', 'B, typed'));
    proposal.follow(base);
    expect(proposal.hunks()).toHaveLength(2);
  });

  test('never loses or doubles a typed line, for random texts and edits', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const edited = (from: readonly string[], mark: string) =>
      from.flatMap((line) => {
        const kind = random(12);
        return kind === 0
          ? []
          : kind === 1
            ? [`${mark}${random(1e9)}`]
            : kind === 2
              ? [line, `${mark}${random(1e9)}`]
              : [line];
      });
    let whole = 0;
    for (let round = 0; round < 300; round++) {
      const lines = Array.from({ length: 5 + random(40) }, (_, at) => `line ${at}`);
      const [proposed, typed] = [edited(lines, 'proposed '), edited(lines, 'typed ')];
      const join = (some: readonly string[]) => some.map((line) => `${line}\n`).join('');
      const proposal = new Proposal('x', join(lines), join(proposed));
      const { text: merged, conflicts } = proposal.merged(join(typed), proposal.hunks());
      const kept = merged.split('\n').filter((line) => !line.startsWith('line'));
      expect(kept.filter((line) => line.startsWith('typed'))).toEqual(typed.filter((line) => line.startsWith('typed')));
      if (conflicts.length === 0) {
        whole++;
        const wanted = lines.filter((line) => proposed.includes(line) && typed.includes(line));
        expect(merged.split('\n').filter((line) => line.startsWith('line'))).toEqual(wanted);
        expect(kept.filter((line) => line.startsWith('proposed'))).toEqual(
          proposed.filter((line) => line.startsWith('proposed')),
        );
      }
    }
    expect(whole).toBeGreaterThan(20);
  });
});
