/**
 * What belongs to a folder, as git and ripgrep say it, over generated trees: names and rules from a seed, with all that
 * gitignore(5) knows. git is the judge of all trees; ripgrep of those without what it reads otherwise by design.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { rgPath } from '@vscode/ripgrep';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IgnoreRules } from '../../../language-server/index/discover/ignore/ignore-rules';
import { SourceFiles } from '../../../language-server/index/discover/source-files';
import { listFolder } from '../../../language-server/index/discover/walk';
import { Random } from '../../native/tools/random';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-differential-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Tree {
  readonly files: Readonly<Record<string, string>>;
  readonly excludesFile: string | undefined;
  readonly infoExclude: string | undefined;
  readonly ignoreCase: boolean;
  /** Tracked whatever the rules say. */
  readonly tracked: readonly string[];
}

const folderNames = [
  'lib',
  'src',
  'web',
  'Lib',
  'build',
  'Build',
  'a',
  'b',
  'out put',
  'größe',
  '[x]',
  'a-b',
  '.hidden',
];
const fileNames = [
  'util.ts',
  'Util.ts',
  'a.ts',
  'b.ts',
  'main.c',
  'READ me.md',
  '#hash.ts',
  '!bang.ts',
  'x.y.ts',
  'ä.ts',
  'star*.ts',
  'q?.ts',
  '.dot.ts',
  'end .ts',
];
const pieces = [
  '*',
  '?',
  'a',
  'b',
  'lib',
  'util',
  '.ts',
  '[ab]',
  '[!a]',
  '[a-z]',
  '[[:alpha:]]',
  '[[:upper:]]',
  '\\*',
  'src',
  '-',
  '[]a]',
  '**',
];

function makeTree(seed: number, { plain }: { readonly plain: boolean }): Tree {
  const numbers = new Random(seed);
  const random = () => numbers.uniform();
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const upTo = (count: number) => Math.floor(random() * (count + 1));
  const folders = [''];
  for (let count = 2 + upTo(7); count > 0; count--) {
    const parent = pick(folders);
    folders.push(`${parent}${pick(folderNames)}/`);
  }
  const files: Record<string, string> = {};
  for (const one of folders) {
    for (let count = 1 + upTo(3); count > 0; count--) {
      files[`${one}${pick(fileNames)}`] = 'text\n';
    }
  }
  const paths = Object.keys(files);
  const someName = () =>
    pick([...folderNames, ...fileNames]).replace(/[*?[\]]/g, (char) => (random() < 0.7 ? `\\${char}` : char));
  const pattern = (): string => {
    switch (upTo(plain ? 6 : 12)) {
      case 0:
        return `${pick(folderNames).replace(/[[\]]/g, '\\$&')}/`;
      case 1:
        return someName();
      case 2:
        return `/${someName()}`;
      case 3:
        return `*${pick(['.ts', '.c', '.md', 'b.ts'])}`;
      case 4:
        return `${pick(folderNames).replace(/[[\]]/g, '\\$&')}/${pick(['*', '**', 'a.ts', 'util.ts', 'lib', 'lib/'])}`;
      case 5:
        return `**/${someName()}${pick(['', '/'])}`;
      case 6:
        return `${pick(['a', 'src', 'web'])}/**/${pick(['b', 'lib', '*.ts'])}`;
      case 7:
        return `/${pick(paths).replace(/[*?[\]]/g, '\\$&')}`;
      case 8:
        return Array.from({ length: 1 + upTo(4) }, () => pick(pieces)).join('');
      case 9:
        return `${pick(pieces)}/${pick(pieces)}${pick(['', '/', '/**'])}`;
      case 10:
        return pick(['*', '/*', '/*/', '**', '**/', '/**', '.*', '/']);
      case 11:
        return pick([
          '# comment',
          '',
          '   ',
          '\\#hash.ts',
          '\\!bang.ts',
          'util.ts   ',
          'end\\ .ts',
          'a\\',
          '[',
          '[a',
          '!',
          '\\',
        ]);
      default:
        return pick(['LIB/', 'UTIL.TS', '*.TS', '/SRC', 'größe', 'ä.ts', 'gr??e', 'gr*e']);
    }
  };
  const rules = (count: number) =>
    Array.from({ length: count }, () => (random() < 0.35 ? `!${pattern()}` : pattern())).join(
      !plain && random() < 0.1 ? '\r\n' : '\n',
    ) + (random() < 0.8 ? '\n' : '');
  for (const one of folders) {
    if (one === '' || random() < 0.35) {
      files[`${one}.gitignore`] = `${!plain && random() < 0.05 ? '\ufeff' : ''}${rules(1 + upTo(4))}`;
    }
  }
  const ignoreCase = !plain && random() < 0.2;
  return {
    files,
    excludesFile: !plain && random() < 0.3 ? rules(1 + upTo(2)) : undefined,
    infoExclude: !plain && random() < 0.3 ? rules(1 + upTo(2)) : undefined,
    ignoreCase,
    // where git folds case it takes `Util.ts` for the tracked `util.ts`; a file system that folds it has only one of them
    tracked: !plain && !ignoreCase && random() < 0.3 ? paths.filter(() => random() < 0.3) : [],
  };
}

function environmentOf(home: string): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { PATH, HOME: home, XDG_CONFIG_HOME: path.join(home, 'config'), GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C.UTF-8' };
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
}

interface Made {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
}

function make(name: string, tree: Tree): Made {
  const home = path.join(folder, name);
  const root = path.join(home, 'work');
  const environment = environmentOf(home);
  write(root, tree.files);
  const git = (...args: string[]) => execFileSync('git', ['-C', root, ...args], { env: environment, stdio: 'pipe' });
  git('init', '-q');
  git('config', 'core.ignorecase', String(tree.ignoreCase));
  write(home, {
    ...(tree.excludesFile === undefined ? {} : { 'config/git/ignore': tree.excludesFile }),
  });
  if (tree.infoExclude !== undefined) {
    write(root, { '.git/info/exclude': tree.infoExclude });
  }
  if (tree.tracked.length > 0) {
    execFileSync('git', ['-C', root, 'update-index', '--add', '-z', '--stdin'], {
      env: environment,
      input: tree.tracked.map((file) => `${file}\0`).join(''),
    });
  }
  return { root, environment };
}

/** Files of the folder that no rule ignores. */
async function ours({ root, environment }: Made): Promise<string[]> {
  const sources = new SourceFiles(root);
  const rules = new IgnoreRules(root, environment);
  const { files, leftOut } = await listFolder(Object.assign(Object.create(sources) as SourceFiles, { root, rules }));
  const others = [...leftOut].filter(([file, reason]) => reason !== 'ignored' && !file.endsWith('/'));
  return [...files, ...others.map(([file]) => file)].sort();
}

function gits({ root, environment }: Made): string[] {
  const output = execFileSync('git', ['-C', root, 'ls-files', '-co', '--exclude-standard', '-z'], {
    env: environment,
    encoding: 'utf8',
  });
  return [...new Set(output.split('\0').filter((file) => file !== ''))].sort();
}

function ripgreps({ root, environment }: Made): string[] {
  try {
    const output = execFileSync(rgPath, ['--files', '--hidden', '--null', '--no-messages', '--glob', '!.git/'], {
      cwd: root,
      env: environment,
      encoding: 'utf8',
    });
    return output
      .split('\0')
      .filter((file) => file !== '')
      .sort();
  } catch (error) {
    // no file at all is an exit code of its own
    if (error instanceof Error && 'status' in error && error.status === 1) {
      return [];
    }
    throw error;
  }
}

const batches = Array.from({ length: 12 }, (_, batch) => batch);
const perBatch = 25;

describe('over generated trees', () => {
  test.each(batches)(`git has the same files in batch %i of ${perBatch}`, async (batch) => {
    const differences: unknown[] = [];
    for (let index = 0; index < perBatch; index++) {
      const seed = batch * perBatch + index;
      const tree = makeTree(seed, { plain: false });
      const made = make(`git-${seed}`, tree);
      const [found, wanted] = [await ours(made), gits(made)];
      if (JSON.stringify(found) !== JSON.stringify(wanted)) {
        const only = (left: string[], right: string[]) => left.filter((file) => !right.includes(file));
        differences.push({ seed, ours: only(found, wanted), gits: only(wanted, found), tree });
      }
    }
    expect(differences).toEqual([]);
  });

  // ripgrep knows no tracked files, takes no case from core.ignorecase, and its globs have classes of their own
  test.each(batches.slice(0, 8))(`ripgrep has the same files in batch %i of ${perBatch}`, async (batch) => {
    const differences: unknown[] = [];
    for (let index = 0; index < perBatch; index++) {
      const seed = 10_000 + batch * perBatch + index;
      const tree = makeTree(seed, { plain: true });
      const made = make(`rg-${seed}`, tree);
      const [found, wanted, git] = [await ours(made), ripgreps(made), gits(made)];
      expect(found).toEqual(git);
      if (JSON.stringify(found) !== JSON.stringify(wanted)) {
        differences.push({ seed, found, wanted, tree });
      }
    }
    expect(differences).toEqual([]);
  });
});
