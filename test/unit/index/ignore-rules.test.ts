/** The cases of ignore rules that were wrong once, each beside git's own answer, and what no rule may do: take for ever. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ExcludeGlobs, parseExcludeGlob } from '../../../language-server/index/discover/ignore/exclude-globs';
import { parseIgnorePattern } from '../../../language-server/index/discover/ignore/gitignore-pattern';
import { GlobMatcher } from '../../../language-server/index/discover/ignore/glob';
import { IgnoreRules } from '../../../language-server/index/discover/ignore/ignore-rules';
import { IgnoreSession } from '../../../language-server/index/discover/ignore/ignore-session';
import { SourceFiles } from '../../../language-server/index/discover/source-files';
import { listFolder } from '../../../language-server/index/discover/walk';

let home = '';
let root = '';
let environment: NodeJS.ProcessEnv = {};

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'fasa-ignore-'));
  root = path.join(home, 'work');
  mkdirSync(root);
  environment = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    GIT_CONFIG_NOSYSTEM: '1',
  };
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always'];
  return execFileSync('git', ['-C', folder, ...identity, ...args], {
    env: environment,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

function sourcesOf(folder: string): SourceFiles {
  const sources = new SourceFiles(folder);
  return Object.assign(Object.create(sources) as SourceFiles, {
    root: folder,
    rules: new IgnoreRules(folder, environment),
  });
}

async function ours(folder = root): Promise<string[]> {
  return [...(await listFolder(sourcesOf(folder))).files];
}

function gits(folder = root): string[] {
  const output = git(folder, 'ls-files', '-co', '--exclude-standard', '-z', '--', '.');
  return output
    .split('\0')
    .filter((file) => file !== '')
    .sort();
}

describe('a folder that an inner ignore file takes back', () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      'has its files, which the outer rule is not asked about again',
      { '.gitignore': 'lib/\n', 'web/.gitignore': '!lib/\n', 'web/src/lib/util.ts': '', 'lib/out.ts': '' },
      ['.gitignore', 'web/.gitignore', 'web/src/lib/util.ts'],
    ],
    [
      'has its folders as well',
      { '.gitignore': 'build\n', 'app/.gitignore': '!build/\n', 'app/build/deep/a.ts': '' },
      ['.gitignore', 'app/.gitignore', 'app/build/deep/a.ts'],
    ],
    [
      'may have rules of its own inside',
      {
        '.gitignore': 'lib/\n',
        'web/.gitignore': '!lib/\n',
        'web/lib/.gitignore': '*.js\n',
        'web/lib/a.js': '',
        'web/lib/a.ts': '',
      },
      ['.gitignore', 'web/.gitignore', 'web/lib/.gitignore', 'web/lib/a.ts'],
    ],
    [
      'is not taken back where a folder around it is ignored',
      { '.gitignore': 'web/\n', 'web/.gitignore': '!lib/\n', 'web/lib/a.ts': '' },
      ['.gitignore'],
    ],
    [
      'does not bring back files that a rule names',
      { '.gitignore': 'lib/\n*.log\n', 'web/.gitignore': '!lib/\n', 'web/lib/a.log': '', 'web/lib/a.ts': '' },
      ['.gitignore', 'web/.gitignore', 'web/lib/a.ts'],
    ],
  ])('%s', async (_, files, wanted) => {
    git(root, 'init', '-q');
    write(root, files);
    expect(await ours()).toEqual(wanted);
    expect(gits()).toEqual(wanted);
  });
});

describe('upper and lower case', () => {
  const files = {
    '.gitignore': '/LIB/\nBuild\n*.TS\n[A-Z]x.js\n',
    'lib/a.c': '',
    'build/b.c': '',
    'a.ts': '',
    'ax.js': '',
  };
  test.each([
    ['tells names apart', 'false', ['.gitignore', 'a.ts', 'ax.js', 'build/b.c', 'lib/a.c']],
    ['does not where core.ignorecase says so', 'true', ['.gitignore']],
  ])('%s', async (_, value, wanted) => {
    git(root, 'init', '-q');
    git(root, 'config', 'core.ignorecase', value);
    write(root, files);
    expect(await ours()).toEqual(wanted);
    expect(gits()).toEqual(wanted);
  });

  test('is told apart without git', async () => {
    write(root, files);
    expect(await ours()).toContain('lib/a.c');
  });
});

describe('what git reads beside the folder', () => {
  const files = { 'a.ts': '', 'b.ts': '', 'c.ts': '' };

  test.each<[string, () => void]>([
    ['the file for ignore rules in the usual place', () => write(home, { '.config/git/ignore': 'a.ts\n' })],
    [
      'the one that the configuration of the user names',
      () => write(home, { '.gitconfig': '[core]\n\texcludesFile = ~/my-rules\n', 'my-rules': 'a.ts\n' }),
    ],
    [
      'the one that an included configuration names',
      () =>
        write(home, {
          '.gitconfig': '[include]\n path = other.cfg\n',
          'other.cfg': '[core] excludesfile = "~/my rules" ; note\n',
          'my rules': 'a.ts\n',
        }),
    ],
    [
      'the one that the configuration of the repository names',
      () => {
        git(root, 'config', 'core.excludesFile', path.join(home, 'rules'));
        write(home, { rules: 'a.ts\n' });
      },
    ],
    ['info/exclude', () => write(root, { '.git/info/exclude': 'a.ts\n' })],
  ])('is read: %s', async (_, set) => {
    git(root, 'init', '-q');
    write(root, files);
    set();
    expect(await ours()).toEqual(['b.ts', 'c.ts']);
    expect(gits()).toEqual(['b.ts', 'c.ts']);
  });

  test('comes after the ignore files of the folder', async () => {
    git(root, 'init', '-q');
    write(root, { ...files, '.gitignore': '!a.ts\n', '.git/info/exclude': 'a.ts\nb.ts\n' });
    write(home, { '.config/git/ignore': '*.ts\n' });
    write(root, { 'd.c': '' });
    expect(await ours()).toEqual(gits());
    expect(await ours()).toEqual(['.gitignore', 'a.ts', 'd.c']);
  });

  test('info/exclude of the repository holds in its other work trees', async () => {
    git(root, 'init', '-q');
    write(root, { 'a.c': '' });
    git(root, 'add', '.');
    git(root, 'commit', '-qm', 'a');
    write(root, { '.git/info/exclude': 'a.ts\n' });
    const other = path.join(home, 'other');
    git(root, 'worktree', 'add', '-q', other);
    write(other, files);
    expect(await ours(other)).toEqual(['a.c', 'b.ts', 'c.ts']);
    expect(await ours(other)).toEqual(gits(other));
  });

  test('info/exclude of a submodule is its own', async () => {
    const inner = path.join(home, 'inner');
    mkdirSync(inner);
    git(inner, 'init', '-q');
    write(inner, { 'x.c': '' });
    git(inner, 'add', '.');
    git(inner, 'commit', '-qm', 'x');
    git(root, 'init', '-q');
    git(root, 'submodule', '--quiet', 'add', inner, 'sub');
    write(root, { '.git/modules/sub/info/exclude': 'a.ts\n', '.git/info/exclude': 'b.ts\n' });
    const sub = path.join(root, 'sub');
    write(sub, files);
    expect(await ours(sub)).toEqual(gits(sub));
    expect(await ours(sub)).toEqual(['b.ts', 'c.ts', 'x.c']);
    expect((await ours()).filter((file) => file.startsWith('sub/'))).toEqual(['sub/b.ts', 'sub/c.ts', 'sub/x.c']);
  });

  test('info/exclude of a bare repository holds in work trees beside it', async () => {
    git(root, 'init', '-q', '--bare', '.bare');
    write(root, { '.git': 'gitdir: ./.bare\n' });
    git(root, 'config', 'core.bare', 'false');
    write(root, { 'seed.c': '' });
    git(root, 'add', 'seed.c');
    git(root, 'commit', '-qm', 'a');
    git(root, 'config', 'core.bare', 'true');
    write(root, { '.bare/info/exclude': 'a.ts\n' });
    git(root, 'worktree', 'add', '-q', '-b', 'main-tree', 'tree');
    const tree = path.join(root, 'tree');
    write(tree, files);
    expect(await ours(tree)).toEqual(['b.ts', 'c.ts', 'seed.c']);
    expect(await ours(tree)).toEqual(gits(tree));
  });

  test('a file that is tracked stays, whatever the rules say', async () => {
    git(root, 'init', '-q');
    write(root, {
      '.gitignore': 'out/\n*.gen.ts\n',
      'out/kept.ts': '',
      'out/other.ts': '',
      'a.gen.ts': '',
      'b.gen.ts': '',
    });
    git(root, 'add', '-f', 'out/kept.ts', 'a.gen.ts');
    expect(await ours()).toEqual(['.gitignore', 'a.gen.ts', 'out/kept.ts']);
    expect(gits()).toEqual(await ours());
  });

  test.each([
    ['leads nowhere', 'gitdir: /nowhere/at/all\n'],
    ['leads to a device', 'gitdir: /dev\n'],
    ['is no pointer', 'x'.repeat(100_000)],
    ['leads to itself', 'gitdir: .git\n'],
  ])('a .git file that %s does no harm', async (_, text) => {
    write(root, { '.git': text, '.gitignore': 'b.ts\n', ...files });
    expect(await ours()).toEqual(['.gitignore', 'a.ts', 'c.ts']);
  });
});

describe('a pattern that would never end with a matcher that goes back', () => {
  const long = Array.from({ length: 38 }, () => 'a').join('/');
  // each ends in a class, so that no look at the end of the path alone says no
  /** States times characters, with room for those that are passed through. */
  const bound = (pattern: string, text: string) => 8 * (pattern.length + 1) * (text.length + 1);

  test.each([
    ['doubled stars', `${'a/**/'.repeat(12)}[b]`],
    ['stars in a name', `${'*a'.repeat(24)}[b]`],
    ['stars and questions', `${'?*'.repeat(40)}[b]`],
    ['classes between stars', `${'*[a-z]'.repeat(20)}[b]`],
    ['negated classes', `${'*[!b]'.repeat(20)}[b]`],
    ['doubled stars alone', `${'**/'.repeat(40)}[b]`],
    ['stars in folders', `${'*/'.repeat(37)}[b]`],
    ['stars in folders after doubled stars', `${'**/*a*/'.repeat(15)}[b]`],
    ['doubled stars at both ends', `**/${'a/**/'.repeat(12)}**[b]`],
    ['one long name of stars', `${'*'.repeat(400)}[b]`],
  ])('takes bounded work in an ignore file: %s', (_, pattern) => {
    let all = 0;
    for (const text of [long, 'a'.repeat(255), `${'a'.repeat(200)}/${long}`]) {
      const parsed = parseIgnorePattern(pattern, false);
      const counter = { steps: 0 };
      new GlobMatcher(parsed?.glob ?? []).matches(text, counter);
      all += counter.steps;
      expect(counter.steps).toBeLessThan(bound(pattern, text));
    }
    expect(all).toBeGreaterThan(0);
  });

  test.each([
    ['doubled stars', `${'a/**/'.repeat(12)}[b]`],
    ['braces in a row', `${'{a,a/a,a/a/a}'.repeat(12)}[b]`],
    ['braces in braces', `${'{a,{a/a,'.repeat(12)}b${'}}'.repeat(12)}[c]`],
    ['braces with stars', `${'{*,**}'.repeat(20)}[b]`],
    ['braces that do not end', `*${'{a,'.repeat(60)}[b]`],
    ['empty braces', `${'{,}'.repeat(80)}[b]`],
  ])('takes bounded work in a setting: %s', (_, pattern) => {
    let all = 0;
    for (const text of [long, 'a'.repeat(255)]) {
      const counter = { steps: 0 };
      new GlobMatcher(parseExcludeGlob(pattern) ?? []).matches(text, counter);
      all += counter.steps;
      expect(counter.steps).toBeLessThan(bound(pattern, text));
    }
    expect(all).toBeGreaterThan(0);
  });

  test('grows with the path as the path does', () => {
    const glob = parseIgnorePattern(`${'a/**/'.repeat(12)}[b]`, false)?.glob ?? [];
    const steps = [1, 2, 4].map((factor) => {
      const counter = { steps: 0 };
      new GlobMatcher(glob).matches(Array.from({ length: 30 * factor }, () => 'a').join('/'), counter);
      return counter.steps;
    });
    expect((steps[1] ?? 0) / (steps[0] ?? 1)).toBeLessThan(2.6);
    expect((steps[2] ?? 0) / (steps[1] ?? 1)).toBeLessThan(2.6);
  });
});

describe('an ignore file outside of all limits', () => {
  test('that is a link to the standard input leaves the input to the protocol', async () => {
    symlinkSync('/dev/stdin', path.join(root, '.ignore'));
    write(root, { 'a.ts': '' });
    expect(await ours()).toEqual(['a.ts']);
  });

  async function problemsOf(): Promise<readonly string[]> {
    return (await listFolder(sourcesOf(root))).ruleProblems;
  }

  test('of 5 MB is read up to the limit, and the rest is named', async () => {
    write(root, {
      '.gitignore': `b.ts\n${'some-name-of-a-file-that-is-not-there\n'.repeat(140_000)}`,
      'a.ts': '',
      'b.ts': '',
    });
    expect(await ours()).toEqual(['.gitignore', 'a.ts']);
    expect((await problemsOf()).join()).toMatch(/\.gitignore is larger than 512 KB/);
  });

  test('with too many rules keeps the first, and the rest is named', async () => {
    write(root, { '.gitignore': `b.ts\n${'x\n'.repeat(30_000)}a.ts\n`, 'a.ts': '', 'b.ts': '' });
    expect(await ours()).toEqual(['.gitignore', 'a.ts']);
    expect((await problemsOf()).join()).toMatch(/has more than 20,000 rules/);
  });

  test('with a pattern of 5 MB on one line drops that pattern', async () => {
    write(root, { '.ignore': `${'*a'.repeat(100_000)}\nb.ts\n`, 'a.ts': '', 'b.ts': '' });
    expect(await ours()).toEqual(['.ignore', 'a.ts']);
    expect((await problemsOf()).join()).toMatch(/line 1/);
  });

  test.each([
    ['a device that never ends', (file: string) => symlinkSync('/dev/zero', file)],
    ['the terminal', (file: string) => symlinkSync('/dev/tty', file)],
    ['a pipe that nobody writes to', (file: string) => execFileSync('mkfifo', [file])],
    ['a folder', (file: string) => mkdirSync(file)],
    ['a link to itself', (file: string) => symlinkSync(path.basename(file), file)],
    ['a link out of the folder', (file: string) => symlinkSync('/etc/hostname', file)],
  ])('that is %s is not read, and is named', async (_, make) => {
    for (const name of ['.gitignore', '.ignore', '.fasaignore']) {
      make(path.join(root, name));
    }
    write(root, { 'a.ts': '' });
    expect(await ours()).toEqual(['a.ts']);
    const problems = await problemsOf();
    for (const name of ['.gitignore', '.ignore', '.fasaignore']) {
      expect(problems.filter((sentence) => sentence.startsWith(`${name} `))).toHaveLength(1);
    }
  });
});

describe('a file of rules is looked for', () => {
  /** Names below the folder, in order. */
  async function lookedFor(foundIn: Readonly<Record<string, readonly string[]>>): Promise<string[]> {
    const loads: string[] = [];
    const session = new IgnoreSession({
      root,
      around: [],
      excluded: new ExcludeGlobs([]),
      tracked: undefined,
      load: (file) => {
        loads.push(path.relative(root, file).split(path.sep).join('/'));
        return Promise.resolve({});
      },
      workTree: () => Promise.reject(new Error('there is none')),
    });
    for (const [folder, names] of Object.entries(foundIn)) {
      session.foundIn(folder === '' ? [] : folder.split('/'), names);
    }
    await session.whyIgnored(['src', 'a.ts'], false);
    return loads.sort();
  }

  test.each<[string, Record<string, string[]>, string[]]>([
    ['nowhere, where a walk found none', { '': ['src'], src: ['a.ts'] }, []],
    ['where a walk found it', { '': ['.gitignore', 'src'], src: ['.ignore', 'a.ts'] }, ['.gitignore', 'src/.ignore']],
    ['under a name in capitals as well', { '': ['.GitIgnore', 'src'], src: ['a.ts'] }, ['.gitignore']],
    ['in a folder that was not read', { '': ['src'] }, ['src/.fasaignore', 'src/.gitignore', 'src/.ignore']],
  ])('%s', async (_, foundIn, wanted) => {
    expect(await lookedFor(foundIn)).toEqual(wanted);
  });

  test('again in the next walk, where it is new', async () => {
    write(root, { 'src/a.ts': '', 'src/b.ts': '' });
    const sources = sourcesOf(root);
    const files = async () => (await listFolder(sources)).files;
    expect(await files()).toEqual(['src/a.ts', 'src/b.ts']);
    write(root, { 'src/.gitignore': 'b.ts\n' });
    expect(await files()).toEqual(['src/.gitignore', 'src/a.ts']);
  });
});
