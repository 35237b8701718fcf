import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNamed } from '../../../extension/find-file';
import { codeParts } from '../../../language-server/protocol/answer/answer';

const block = (words: string, info = '', body = 'x') => codeParts(`${words}\n\`\`\`${info}\n${body}\n\`\`\`\n`)[0];

const names = [
  'src/a.ts',
  'app/posts/[slug]/page.tsx',
  'app/[[...rest]]/page.tsx',
  'app/@modal/(.)photo/[id]/page.tsx',
  'src/routes/(app)/+page.svelte',
  'src/routes/[...path]/+server.ts',
  'src/größe.py',
  'src/файл.rs',
  '資料/設定.json',
  'pages/$id.tsx',
  'src/a&b/c,d.ts',
  "src/it's.ts",
  'src/~tmp/x#1.ts',
  'packages/@scope/pkg/index.ts',
  'lib/c++/vec=tor.hpp',
  'src/{{cookiecutter.name}}/main.py',
  'a.test.tsx',
  'src/__init__.py',
  '__main__.py',
  'Dockerfile',
  'deploy/Dockerfile',
  '.github/dependabot.yml',
  'src\\win\\a.ts',
];

describe('the path of a code block', () => {
  test.each(names)('%s is found in a line above it, in whatever markup', (name) => {
    for (const words of [
      name,
      `${name}:`,
      `\`${name}\``,
      `\`${name}\`:`,
      `**${name}**`,
      `**\`${name}\`**:`,
      `**${name}** (updated)`,
      `### ${name}`,
      `### \`${name}\``,
      `#### 2. \`${name}\``,
      `1. ${name}`,
      `- \`${name}\`:`,
      `File: ${name}`,
      `**File:** \`${name}\``,
      `**File: ${name}**`,
      `Path: \`${name}\``,
      `Filename: ${name}`,
      `"${name}":`,
      `\`${name}\` (new file)`,
      `\`${name}\` — the rows`,
      `\`${name}:12\``,
      `> ${name}`,
      `📄 ${name}`,
      `Datei: ${name}`,
      `文件：\`${name}\``,
      `1. **\`${name}\`**: the rows`,
      `\`${name}\`, lines 10-20:`,
      `// ${name}`,
      `${name}\n`,
    ]) {
      expect([words, block(`Words.\n\n${words}`)?.path]).toEqual([words, name]);
    }
  });

  test.each(names.filter((name) => /\.\w+$/.test(name) && !name.startsWith('.')))(
    '%s is found in a sentence',
    (name) => {
      for (const words of [
        `In \`${name}\`:`,
        `In ${name}:`,
        `Now change ${name}:`,
        `Here is the updated version of ${name}:`,
        `Update \`${name}\` as follows:`,
        `Here is the new \`${name}\`.`,
        `In **${name}**, change the head:`,
        `Change the function \`rows\` in \`${name}\`:`,
      ]) {
        expect([words, block(words)?.path]).toEqual([words, name]);
      }
    },
  );

  test.each(['my docs/read me.md', 'src/My Component.tsx', 'C:/Users/me/work/my file.ts'])(
    '%s, with a blank in it',
    (name) => {
      for (const words of [`\`${name}\``, `**${name}**`, `File: \`${name}\``, `In \`${name}\`:`]) {
        expect([words, block(words)?.path]).toEqual([words, name]);
      }
      expect(block('', `ts title="${name}"`)?.path).toBe(name);
    },
  );

  test.each([
    ['src/a.ts', ''],
    ['ts:src/a.ts', ''],
    ['ts src/a.ts', ''],
    ['ts (src/a.ts)', ''],
    ['ts filename=src/a.ts', ''],
    ['ts {1,3} title="src/a.ts"', ''],
    ['ts // src/a.ts', ''],
    ['12:20:src/a.ts', ''],
    ['ts', '// src/a.ts'],
    ['ts', '// File: src/a.ts'],
    ['ts', '/* src/a.ts */'],
    ['', '# src/a.ts'],
    ['', '<!-- src/a.ts -->'],
    ['', '-- src/a.ts'],
  ])('is found in the fence %j or the first line %j', (info, first) => {
    const part = block('Words.', info, `${first}\nx`);
    expect(part?.path).toBe('src/a.ts');
    expect(part?.language === '' || part?.language === 'ts').toBe(true);
  });

  test('is found in a heading some lines above, where nothing nearer names a file', () => {
    expect(block('### `src/a.ts`\n\nIt adds the rows.', 'ts')?.path).toBe('src/a.ts');
    expect(block('**src/a.ts**\n\nReplace the function:', 'ts')?.path).toBe('src/a.ts');
    expect(block('### `src/a.ts`\n\nRun it:', 'bash')?.path).toBeUndefined();
  });

  test.each([
    ['Example', ''],
    ['Example:', ''],
    ['See https://good.example/a.js:', ''],
    ['For example, and/or the like.', ''],
    ['Use `config.timeout`:', ''],
    ['It returns e.g. this:', ''],
    ['### Node.js', 'js'],
    ['With Vue.js:', 'js'],
    ['Run `node dist/server.js`:', 'bash'],
    ['Then run `src/a.ts`:', 'sh'],
    ['In `src/a.ts` the answer is:', 'json'],
    ['--out dir/a.js', ''],
    ['src/\u202ets.a', ''],
    ['See src/a.ts for more:', ''],
    ['1. First', ''],
    ['### options.onMatch', 'js'],
    ['**.name**', 'js'],
    ['## Usage/Examples', 'js'],
    ['# @vitest/snapshot', 'js'],
    ['**Synchronous read in Node.js:**', 'js'],
    ['It is like `patch file1.txt mydiff.patch`:', ''],
    ['for example, e.g.', 'js'],
    ['- `dist/csstree.js` – the bundle', 'html'],
    ['Version 1.2', ''],
  ])('is not found in %j above a block of %j', (words, info) => {
    expect(block(words, info)?.path).toBeUndefined();
  });

  test('is kept as a possibility when only the workspace can tell', () => {
    expect(block('See src/a.ts for more:')?.paths).toContain('src/a.ts');
    expect(block('Use `config.timeout`:')?.paths).toContain('config.timeout');
    expect(block('my docs/read me.md:')?.paths).toContain('my docs/read me.md');
    expect(block('In `src/a.ts` and `src/b.ts`:')?.paths).toEqual(['src/a.ts', 'src/b.ts']);
  });
});

describe('the file of the workspace for a path', () => {
  let root = '';
  const files = [
    'src/a.ts',
    'src/größe.py',
    'app/[slug]/page.tsx',
    'docs/read me.md',
    'p/one/util.ts',
    'p/two/util.ts',
    'p/two/only.ts',
  ];
  beforeAll(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'fasa-find-'));
    for (const file of files) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), '');
    }
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const find = async (...named: string[]) => {
    const found = await findNamed(named, {
      folders: [{ name: 'work', path: root }],
      isFile: async (file) => {
        try {
          return statSync(file).isFile();
        } catch {
          return false;
        }
      },
      withName: async (name) =>
        files.filter((file) => path.basename(file).normalize() === name.normalize()).map((file) => `${root}/${file}`),
    });
    return found.map((file) => path.relative(root, file));
  };

  test.each([
    ['src/a.ts', ['src/a.ts']],
    ['./src/a.ts', ['src/a.ts']],
    ['/src/a.ts', ['src/a.ts']],
    ['src\\a.ts', ['src/a.ts']],
    ['work/src/a.ts', ['src/a.ts']],
    ['src/größe.py', ['src/größe.py']],
    ['src/größe.py'.normalize('NFD'), ['src/größe.py']],
    ['app/[slug]/page.tsx', ['app/[slug]/page.tsx']],
    ['docs/read me.md', ['docs/read me.md']],
    ['a.ts', ['src/a.ts']],
    ['two/util.ts', ['p/two/util.ts']],
    ['only.ts', ['p/two/only.ts']],
    ['util.ts', ['p/one/util.ts', 'p/two/util.ts']],
    ['src', []],
    ['nothing.ts', []],
    ['til.ts', []],
    ['../x/src/a.ts', []],
    ['/etc/passwd', []],
  ])('%j is %j', async (named, wanted) => {
    expect(await find(named)).toEqual(wanted);
  });

  test('is that of the first of several paths that exists', async () => {
    expect(await find('b/src/a.ts', 'src/a.ts')).toEqual(['src/a.ts']);
    expect(await find('See src/a.ts', 'src/a.ts')).toEqual(['src/a.ts']);
  });
});
