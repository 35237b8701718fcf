/** What of a folder is in: ignore files, settings, the user's choices, links; and in which order. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Choices } from '../../../language-server/index/discover/choices';
import { recentInGit } from '../../../language-server/index/discover/git-log';
import { parseExcludeGlob } from '../../../language-server/index/discover/ignore/exclude-globs';
import { GlobMatcher } from '../../../language-server/index/discover/ignore/glob';
import { leftOutByContent, leftOutByName } from '../../../language-server/index/discover/left-out';
import { SourceFiles } from '../../../language-server/index/discover/source-files';
import { listFolder } from '../../../language-server/index/discover/walk';
import { noFacts, orderFiles } from '../../../language-server/index/rank/order';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-rules-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

async function filesOf(sources: SourceFiles): Promise<readonly string[]> {
  const { files } = await listFolder(sources);
  return files.filter((name) => !name.split('/').at(-1)?.startsWith('.'));
}

describe('ignore files', () => {
  test('of ours come before those of search tools, and those before git', async () => {
    write({
      '.gitignore': 'a.ts\nb.ts\nc.ts\n',
      '.ignore': '!b.ts\n!c.ts\nd.ts\n',
      '.fasaignore': 'c.ts\n!d.ts\ne/\n',
      'a.ts': '',
      'b.ts': '',
      'c.ts': '',
      'd.ts': '',
      'e/f.ts': '',
    });
    expect(await filesOf(new SourceFiles(folder))).toEqual(['b.ts', 'd.ts']);
  });

  test('of the git repository around the folder count, those above it do not', async () => {
    write({
      '.gitignore': 'own.ts\n',
      'top/.git/HEAD': '',
      'top/.git/info/exclude': 'local.ts\n',
      'top/.gitignore': 'dist\n/packages/a/only.ts\n',
      'top/packages/a/dist/x.ts': '',
      'top/packages/a/only.ts': '',
      'top/packages/a/own.ts': '',
      'top/packages/a/local.ts': '',
      'top/packages/a/in.ts': '',
    });
    expect(await filesOf(new SourceFiles(path.join(folder, 'top/packages/a')))).toEqual(['in.ts', 'own.ts']);
  });

  test('of git end at a repository inside; ours reach into it', async () => {
    write({
      '.git/HEAD': '',
      '.gitignore': 'x.ts\n',
      '.fasaignore': 'y.ts\n',
      'x.ts': '',
      'sub/.git': 'gitdir: ../.git/modules/sub\n',
      'sub/.gitignore': 'z.ts\n',
      'sub/x.ts': '',
      'sub/y.ts': '',
      'sub/z.ts': '',
    });
    const { files } = await listFolder(new SourceFiles(folder));
    expect(files.filter((name) => name.endsWith('.ts'))).toEqual(['sub/x.ts']);
    expect(files.some((name) => name.includes('.git/'))).toBe(false);
  });

  test('of a setting are globs from the root', async () => {
    write({ 'a.js': '', 'src/a.js': '', 'src/b.ts': '', 'lib/deep/c.ts': '', 'docs/d.md': '' });
    const sources = new SourceFiles(folder);
    sources.rules.exclude(['*.js', '**/deep', 'do{cs,gs}/**']);
    const { files, leftOut } = await listFolder(sources);
    expect(files).toEqual(['src/a.js', 'src/b.ts']);
    expect(Object.fromEntries(leftOut)).toEqual({
      'a.js': 'excluded by a setting',
      'lib/deep/': 'excluded by a setting',
      'docs/d.md': 'excluded by a setting',
    });
  });
});

test.each([
  ['src/*.js', ['src/a.js'], ['a.js', 'src/deep/a.js', 'web/src/a.js']],
  ['**/x', ['x', 'a/x', 'a/b/x'], ['xy', 'x/y']],
  ['**/*.{js,ts}', ['a.js', 'b/c.ts'], ['a.jsx']],
  ['{a,b/{c,d}}/e', ['a/e', 'b/c/e', 'b/d/e'], ['b/e', 'c/e']],
  ['a\\b', ['a/b'], ['a']],
  ['[!a]b', ['cb'], ['ab', 'b']],
  ['a?c', ['abc'], ['ac', 'a/c']],
  ['docs/**', ['docs/a', 'docs/a/b'], ['src/docs/a']],
  ['{a,b', ['{a,b'], ['a', 'b']],
])('the glob %s is read as the editor reads it', (glob, matched, others) => {
  const matcher = new GlobMatcher(parseExcludeGlob(glob) ?? []);
  const matches = (file: string) => matcher.matches(file, { steps: 0 });
  expect(matched.filter((file) => !matches(file))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
});

test.each(['', ' ', '!a', '#a', 'a\nb'])('the glob %j says nothing', (glob) => {
  expect(parseExcludeGlob(glob)).toBeUndefined();
});

test('links are said to be links, and never followed', async () => {
  write({ 'real/a.ts': 'a' });
  symlinkSync(path.join(folder, 'real'), path.join(folder, 'linked'));
  symlinkSync('/etc/passwd', path.join(folder, 'out.ts'));
  symlinkSync(folder, path.join(folder, 'real', 'loop'));
  const { files, leftOut } = await listFolder(new SourceFiles(folder));
  expect(files).toEqual(['real/a.ts']);
  expect([...leftOut.keys()].sort()).toEqual(['linked', 'out.ts', 'real/loop']);
  expect(new Set(leftOut.values())).toEqual(new Set(['symbolic link']));
});

test('a link is what it leads to: a secret and version control stay out under other names', async () => {
  write({ '.env': 'HUSH=1\n', '.git/config': '[core]\n', 'deep/.env.local': 'HUSH=2\n', 'real/a.ts': 'a\n' });
  symlinkSync('.env', path.join(folder, 'notes.md'));
  symlinkSync('.git', path.join(folder, 'docs'));
  symlinkSync('deep', path.join(folder, 'shallow'));
  symlinkSync('shallow/.env.local', path.join(folder, 'twice.ts'));
  symlinkSync('real/a.ts', path.join(folder, 'b.ts'));
  const sources = new SourceFiles(folder);
  const reasonOf = async (name: string) => {
    const read = await sources.read(path.join(folder, name));
    return read !== undefined && 'leftOut' in read ? read.leftOut : read?.file.text;
  };
  expect(await reasonOf('notes.md')).toBe('secret');
  expect(await reasonOf('docs/config')).toBe('ignored');
  expect(await reasonOf('shallow/.env.local')).toBe('secret');
  expect(await reasonOf('twice.ts')).toBe('secret');
  expect(await reasonOf('b.ts')).toBe('a\n');
  expect(await sources.secretIn('notes.md')).toEqual({ by: 'name' });
});

test('a listed file that became a link to the outside is not read', async () => {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'fasa-outside-'));
  try {
    writeFileSync(path.join(outside, 'hush.ts'), 'hush');
    write({ 'a.ts': 'a' });
    const sources = new SourceFiles(folder);
    rmSync(path.join(folder, 'a.ts'));
    symlinkSync(path.join(outside, 'hush.ts'), path.join(folder, 'a.ts'));
    expect(await sources.readListed('a.ts')).toEqual({ leftOut: 'outside the folder' });
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
});

describe('a listed file', () => {
  test('is read, then known to be unchanged, then read again', async () => {
    write({ 'a.ts': 'one' });
    const sources = new SourceFiles(folder);
    const first = await sources.readListed('a.ts');
    if (first === undefined || typeof first === 'string' || 'leftOut' in first) {
      throw new Error('It was not read.');
    }
    expect(await sources.readListed('a.ts', first.file.version)).toBe('unchanged');
    write({ 'a.ts': 'two!' });
    expect(await sources.readListed('a.ts', first.file.version)).toMatchObject({ file: { text: 'two!' } });
  });

  test('that grew too large, is gone or became a folder is not', async () => {
    write({ 'a.ts': 'x'.repeat(300_000), 'b.ts': 'b' });
    const sources = new SourceFiles(folder);
    expect(await sources.readListed('a.ts')).toEqual({ leftOut: 'too large' });
    rmSync(path.join(folder, 'b.ts'));
    expect(await sources.readListed('b.ts')).toBeUndefined();
    mkdirSync(path.join(folder, 'b.ts'));
    expect(await sources.readListed('b.ts')).toBeUndefined();
  });
});

test('a file that grows and shrinks while it is read is read whole, or said to be too large', async () => {
  const file = path.join(folder, 'a.ts');
  const line = 'const value = 1;\n';
  writeFileSync(file, line);
  const sources = new SourceFiles(folder);
  const ended = new AbortController();
  const writer = (async () => {
    for (let round = 0; !ended.signal.aborted; round++) {
      await writeFile(file, line.repeat(1 + ((round * 4099) % 20_000)));
    }
  })();
  const seen = new Set<string>();
  for (let round = 0; round < 60; round++) {
    const result = await sources.readListed('a.ts');
    if (result === undefined || typeof result === 'string') {
      throw new Error('It is always there.');
    }
    if ('leftOut' in result) {
      seen.add(result.leftOut);
    } else {
      expect(result.file.text.replaceAll(line, '').length).toBeLessThan(line.length);
      seen.add('read');
    }
  }
  ended.abort();
  await writer;
  expect([...seen].filter((one) => one !== 'read' && one !== 'too large')).toEqual([]);
  expect(seen).toContain('read');
});

describe('choices', () => {
  const kept = () => path.join(folder, 'kept');
  const choices = () => new Choices('/r', kept());

  test('hold at once and for the next session, for a file and for what is below a folder', async () => {
    const first = choices();
    const written = first.set('src', 'exclude');
    expect(first.of('src/deep/a.ts')).toBe('exclude');
    await written;
    await first.set('src/deep', 'include');
    const next = choices();
    expect([next.of('src/a.ts'), next.of('src/deep/a.ts'), next.of('srcs/a.ts')]).toEqual([
      'exclude',
      'include',
      undefined,
    ]);
    expect(next.includesBelow('src')).toBe(true);
    expect(next.at('src/deep/a.ts')).toBeUndefined();
    await next.set('src', 'default');
    expect(choices().of('src/a.ts')).toBeUndefined();
    expect(new Choices('/other', kept()).of('src/deep/a.ts')).toBeUndefined();
  });

  test('of two windows are both kept', async () => {
    const [one, two] = [choices(), choices()];
    await one.set('a.ts', 'exclude');
    await two.set('b.ts', 'include');
    expect([choices().at('a.ts'), choices().at('b.ts')]).toEqual(['exclude', 'include']);
  });

  test('of many clicks at once all hold, and nothing else is left in the folder', async () => {
    const one = choices();
    await Promise.all(Array.from({ length: 50 }, (_, index) => one.set(`f${index}`, 'exclude')));
    expect(readdirSync(kept())).toHaveLength(1);
    const next = choices();
    expect(Array.from({ length: 50 }, (_, index) => next.at(`f${index}`))).toEqual(Array(50).fill('exclude'));
  });

  test.each([['', '{"choices"', '[]', '{"choices":{"a":"maybe","b":1}}', 'null', '{"choices":null}']])(
    'in a broken file are none, and it is written anew: %s',
    async (text) => {
      await choices().set('x', 'exclude');
      const file = path.join(kept(), readdirSync(kept())[0] ?? '');
      writeFileSync(file, text);
      expect(choices().of('a')).toBeUndefined();
      await choices().set('y', 'include');
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ choices: { y: 'include' } });
    },
  );

  test('that cannot be written hold, and the failure is told', async () => {
    writeFileSync(path.join(folder, 'file'), '');
    const broken = new Choices('/r', path.join(folder, 'file', 'below'));
    await expect(broken.set('a', 'exclude')).rejects.toThrow();
    expect(broken.of('a')).toBe('exclude');
  });

  test('bring in what rules leave out, and leave out what they do not; never a secret', async () => {
    write({
      '.gitignore': 'out/\nx.ts\n',
      'out/a.ts': '',
      'out/b.ts': '',
      'x.ts': '',
      'y.ts': '',
      '.env': '',
      'a.lock': '',
    });
    write({ 'package-lock.json': '{}', id_rsa: 'x' });
    const chosen = choices();
    await chosen.set('out/a.ts', 'include');
    await chosen.set('x.ts', 'include');
    await chosen.set('y.ts', 'exclude');
    await chosen.set('.env', 'include');
    await chosen.set('id_rsa', 'include');
    await chosen.set('package-lock.json', 'include');
    const { files, leftOut } = await listFolder(new SourceFiles(folder, chosen));
    expect(files.filter((name) => !name.startsWith('kept'))).toEqual([
      '.gitignore',
      'a.lock',
      'out/a.ts',
      'package-lock.json',
      'x.ts',
    ]);
    expect(Object.fromEntries(leftOut)).toMatchObject({
      '.env': 'secret',
      id_rsa: 'secret',
      'out/b.ts': 'ignored',
      'y.ts': 'excluded by you',
    });
  });
});

test.each([
  ['terraform.tfstate', 'secret'],
  ['prod.tfvars', 'secret'],
  ['.pgpass', 'secret'],
  ['service-account-prod.json', 'secret'],
  ['bun.lockb', 'generated'],
  ['service.ts', undefined],
])('by the name %s: %s', (name, reason) => {
  expect(leftOutByName(name)).toBe(reason);
});

test.each([
  ['// Code generated by protoc-gen-go. DO NOT EDIT.\npackage a\n', 'generated'],
  ['/* @generated by a tool */\nlet a;\n', 'generated'],
  ['# This file is automatically generated, do not edit.\n', 'generated'],
  ['const text = "Code generated by x. DO NOT EDIT.";\n', undefined],
  [`let a;\n${'// more\n'.repeat(400)}// @generated\n`, undefined],
  [`const t = "hf_${'aB1'.repeat(11)}";`, 'secret'],
])('by content: %s', (text, reason) => {
  expect(leftOutByContent(Buffer.from(text), text)).toBe(reason);
});

describe('the order', () => {
  const files = ['README.md', 'a/one.ts', 'a/two.ts', 'b/three.ts', 'config.json', 'src/four.ts', 'src/five.test.ts'];

  test('without anything known: sources, tests, texts, the rest', () => {
    expect(orderFiles(files, '/r', noFacts)).toEqual([
      'a/one.ts',
      'a/two.ts',
      'b/three.ts',
      'src/four.ts',
      'src/five.test.ts',
      'README.md',
      'config.json',
    ]);
  });

  test('is open, imported, edited, committed, beside, alike, each once', () => {
    const ordered = orderFiles(files, '/r', {
      open: [{ path: 'a/one.ts', text: "import '../b/three';\nimport './gone';\n" }],
      edited: ['config.json', 'gone.ts'],
      committed: ['b/three.ts', 'README.md'],
      scores: new Map([
        ['src/five.test.ts', 2],
        ['src/four.ts', 1],
      ]),
    });
    expect(ordered).toEqual([
      'a/one.ts',
      'b/three.ts',
      'config.json',
      'README.md',
      'a/two.ts',
      'src/five.test.ts',
      'src/four.ts',
    ]);
  });
});

describe('the last commits', () => {
  const git = (...argv: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...argv], { stdio: 'ignore' });
  const { signal } = new AbortController();

  test('name their files, the latest first, below the folder alone', async () => {
    write({ 'sub/old.ts': '1', 'top.ts': '1' });
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'one');
    write({ 'sub/größe.ts': '2' });
    git('add', '.');
    git('commit', '-qm', 'two');
    expect(await recentInGit(folder, signal)).toEqual(['sub/größe.ts', 'sub/old.ts', 'top.ts']);
    expect(await recentInGit(path.join(folder, 'sub'), signal)).toEqual(['größe.ts', 'old.ts']);
  });

  test('are none outside of git, without commits, without the folder, and when it is cancelled', async () => {
    expect(await recentInGit(folder, signal)).toEqual([]);
    git('init', '-q');
    expect(await recentInGit(folder, signal)).toEqual([]);
    expect(await recentInGit(path.join(folder, 'none'), signal)).toEqual([]);
    expect(await recentInGit(folder, AbortSignal.abort())).toEqual([]);
  });
});
