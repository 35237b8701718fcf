import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commentPathLine } from '../../../language-server/index/chunk/path-line';
import { leftOutByContent, leftOutByName } from '../../../language-server/index/discover/left-out';
import { SourceFiles } from '../../../language-server/index/discover/source-files';
import { walk } from '../../../language-server/index/discover/walk';
import { importCandidates } from '../../../language-server/index/rank/imports';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-repository-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(files: Readonly<Record<string, string | Uint8Array>>): SourceFiles {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return new SourceFiles(folder);
}

const absolute = (name: string) => path.join(folder, name);

async function leftOut(sources: SourceFiles, name: string): Promise<string | undefined> {
  const result = await sources.read(absolute(name));
  return result !== undefined && 'leftOut' in result ? result.leftOut : undefined;
}

describe('what is left out', () => {
  test.each([
    ['.env', 'secret'],
    ['deploy/.env.production', 'secret'],
    ['server.pem', 'secret'],
    ['id_rsa', 'secret'],
    ['package-lock.json', 'generated'],
    ['bundle.js.map', 'generated'],
    ['jquery.min.js', 'generated'],
    ['logo.png', 'binary'],
    ['notes.ipynb', 'data'],
    ['.env.example', undefined],
    ['keyboard.ts', undefined],
    ['environment.ts', undefined],
  ])('by the name %s: %s', (name, reason) => {
    expect(leftOutByName(name)).toBe(reason);
  });

  test.each([
    ['a zero byte', 'a\0b', 'binary'],
    ['the header of a private key alone', '-----BEGIN RSA PRIVATE KEY-----\nabc', undefined],
    ['an access token', `token = "ghp_${'a1B2'.repeat(9)}"`, 'secret'],
    ['long lines', `${'a=1;'.repeat(2000)}\n`, 'minified'],
    ['mention of tokens', 'prefixes are ghp_ and AKIA, see -----BEGIN CERTIFICATE-----', undefined],
    ['code', 'const a = 1;\n'.repeat(1000), undefined],
  ])('by content: %s', (_name, text, reason) => {
    expect(leftOutByContent(Buffer.from(text), text)).toBe(reason);
  });

  test('what .gitignore names at any depth, with exceptions and folders', async () => {
    const sources = write({
      '.gitignore': '*.tmp\n/build/\n!keep.tmp\n',
      'a.tmp': 'a',
      'keep.tmp': 'a',
      'build/out.ts': 'a',
      'src/build/in.ts': 'a',
      'src/.gitignore': 'local.ts\n!special.tmp\n',
      'src/local.ts': 'a',
      'src/special.tmp': 'a',
      'node_modules/x/index.js': 'a',
    });
    expect(await leftOut(sources, 'a.tmp')).toBe('ignored');
    expect(await leftOut(sources, 'keep.tmp')).toBeUndefined();
    expect(await leftOut(sources, 'build/out.ts')).toBe('ignored');
    expect(await leftOut(sources, 'src/build/in.ts')).toBeUndefined();
    expect(await leftOut(sources, 'src/local.ts')).toBe('ignored');
    expect(await leftOut(sources, 'src/special.tmp')).toBeUndefined();
    expect(await leftOut(sources, 'node_modules/x/index.js')).toBe('ignored');
  });

  test('follows .gitignore when it changes', async () => {
    const sources = write({ 'a.ts': 'a', '.gitignore': '' });
    expect(await leftOut(sources, 'a.ts')).toBeUndefined();
    write({ '.gitignore': 'a.ts' });
    expect(await leftOut(sources, 'a.ts')).toBe('ignored');
  });

  test('large files, files outside, links that lead outside', async () => {
    const outside = mkdtempSync(path.join(os.tmpdir(), 'fasa-outside-'));
    try {
      writeFileSync(path.join(outside, 'x.ts'), 'x');
      const sources = write({ 'large.ts': 'a\n'.repeat(200_000), 'in/y.ts': 'y' });
      symlinkSync(path.join(outside, 'x.ts'), absolute('link.ts'));
      symlinkSync(outside, absolute('linked'));
      expect(await leftOut(sources, 'large.ts')).toBe('too large');
      expect(await leftOut(sources, path.relative(folder, path.join(outside, 'x.ts')))).toBe('outside the folder');
      expect(await leftOut(sources, 'link.ts')).toBe('outside the folder');
      expect(await leftOut(sources, 'linked/x.ts')).toBe('outside the folder');
      expect(await walk(sources)).toEqual(['in/y.ts', 'large.ts']);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('files that may not be read', async () => {
    const sources = write({ 'a.ts': 'a' });
    chmodSync(absolute('a.ts'), 0);
    expect(await leftOut(sources, 'a.ts')).toBe('unreadable');
  });
});

describe('a source file', () => {
  test('has LF line ends and no invalid UTF-8', async () => {
    const sources = write({ 'a.ts': Buffer.from([0x61, 0x0d, 0x0a, 0xff, 0x62]) });
    expect(await sources.read(absolute('a.ts'))).toMatchObject({ file: { path: 'a.ts', text: 'a\n\ufffdb' } });
  });

  test('is read again when it changed, and only then', async () => {
    const sources = write({ 'a.ts': 'one' });
    const first = await sources.read(absolute('a.ts'));
    expect(await sources.read(absolute('a.ts'))).toBe(first);
    write({ 'a.ts': 'two' });
    utimesSync(absolute('a.ts'), new Date(), new Date(Date.now() + 5000));
    expect(await sources.read(absolute('a.ts'))).toMatchObject({ file: { text: 'two' } });
  });

  test('that is not there is nothing', async () => {
    expect(await write({}).read(absolute('none.ts'))).toBeUndefined();
  });
});

describe('imports', () => {
  const first = (text: string, file: string) =>
    importCandidates(text, path.join('/r', file), '/r').map((candidates) => candidates.map((name) => name.slice(3)));

  test('of TypeScript: from, side effects, dynamic, require, .js for .ts, folders', () => {
    const text = [
      "import { a } from './a';",
      "import './b.js';",
      "const c = await import('../c');",
      "const d = require('./d');",
      "export * from './folder';",
      "import fs from 'node:fs';",
    ].join('\n');
    const found = first(text, 'src/main.ts');
    expect(found).toHaveLength(5);
    expect(found[0]).toContain('src/a.ts');
    expect(found[1]).toContain('src/b.ts');
    expect(found[2]).toContain('c.ts');
    expect(found[3]).toContain('src/d.js');
    expect(found[4]).toContain('src/folder/index.ts');
  });

  test('of Python: relative, of the package, modules behind import', () => {
    const found = first(
      'from .util import x\nfrom . import other\nimport app.models\nfrom ..top import y\n',
      'app/sub/a.py',
    );
    const all = found.flat();
    for (const name of ['app/sub/util.py', 'app/sub/other.py', 'app/models.py', 'app/top.py']) {
      expect(all).toContain(name);
    }
  });

  test('of C: quoted includes beside the file and in include/', () => {
    const found = first('#include <stdio.h>\n#include "a.h"\n', 'src/main.c');
    expect(found).toEqual([['src/a.h', 'a.h', 'include/a.h', 'src/a.h']]);
  });

  test('of Rust: modules and paths of the crate', () => {
    const all = first('mod lexer;\nuse crate::parser::Parser;\nuse std::fs;\n', 'src/main.rs').flat();
    expect(all).toContain('src/lexer.rs');
    expect(all).toContain('src/parser.rs');
    expect(all.some((name) => name.includes('std'))).toBe(false);
  });
});

describe('the walk', () => {
  test('is sorted, without ignored files, secrets and binaries', async () => {
    const sources = write({
      '.gitignore': 'out/',
      'b.ts': '',
      'a/z.ts': '',
      'a/b.ts': '',
      'out/x.ts': '',
      '.env': '',
      'logo.png': '',
      'node_modules/m/i.js': '',
    });
    expect(await walk(sources)).toEqual(['.gitignore', 'a/b.ts', 'a/z.ts', 'b.ts']);
  });

  test('ends when it is aborted', async () => {
    const sources = write({ 'a.ts': '' });
    await expect(walk(sources, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('stops at the most files', async () => {
    const sources = write({ 'a.ts': '', 'b.ts': '', 'c.ts': '' });
    expect(await walk(sources, { maxFiles: 2 })).toEqual(['a.ts', 'b.ts']);
  });
});

test.each([
  ['src/a.ts', '// src/a.ts'],
  ['a.py', '# a.py'],
  ['Makefile', '# Makefile'],
  ['a.html', '<!-- a.html -->'],
  ['a.sql', '-- a.sql'],
  ['a.css', '/* a.css */'],
  ['a.lisp', '; a.lisp'],
])('the path line of %s is a comment of its language', (file, line) => {
  expect(commentPathLine(file)).toBe(line);
});
