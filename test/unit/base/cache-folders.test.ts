/** What is below the user's cache folder is ours, or it is not used: links, other users' folders, pipes, devices. */

import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkPlace, makePlace, placeOf, readOwnText, writeWhole } from '../../../language-server/base/cache-files';
import {
  findCalibration,
  ownCalibrationFile,
  saveOwnCalibration,
} from '../../../language-server/engine/calibration/calibration';
import { ChunkStore } from '../../../language-server/engine/native/chunk-store';
import { Choices } from '../../../language-server/index/discover/choices';
import { WorkspaceFolder } from '../../../language-server/index/workspace-folders';

let folder = '';
let cache = '';
/** What is not ours, and must stay as it is. */
let elsewhere = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-cache-'));
  cache = path.join(folder, 'cache');
  elsewhere = path.join(folder, 'elsewhere');
  mkdirSync(cache);
  mkdirSync(elsewhere);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const posix = process.platform !== 'win32';
const isRoot = process.getuid?.() === 0;

describe('a folder of the cache', () => {
  test('is created readable by the user only', async () => {
    const made = await makePlace({ base: cache, names: ['a', 'b'] });
    expect(statSync(made).isDirectory()).toBe(true);
    if (posix) {
      expect(statSync(made).mode & 0o777).toBe(0o700);
    }
  });

  test.each([
    ['the last', ['a', 'b', 'c'], 'a/b/c'],
    ['one on the way', ['a', 'b', 'c'], 'a/b'],
    ['the first', ['a', 'b', 'c'], 'a'],
  ])('is refused by name when %s is a link', async (_name, names, link) => {
    const at = path.join(cache, link);
    mkdirSync(path.dirname(at), { recursive: true });
    symlinkSync(elsewhere, at);
    for (const used of [checkPlace, makePlace]) {
      await expect(used({ base: cache, names })).rejects.toMatchObject({
        code: 'CACHE_REFUSED',
        message: `${at} is a symbolic link, so it is not used as a folder of the cache.`,
      });
    }
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test.each(['a link to nothing', 'a link to itself', 'a file'])('is refused when it is %s', async (what) => {
    const at = path.join(cache, 'a');
    if (what === 'a file') {
      writeFileSync(at, '');
    } else {
      symlinkSync(what === 'a link to itself' ? at : path.join(folder, 'none'), at);
    }
    await expect(makePlace(placeOf(at))).rejects.toMatchObject({ code: 'CACHE_REFUSED' });
  });

  test.skipIf(!isRoot)('is refused when it is of another user', async () => {
    mkdirSync(path.join(cache, 'a'));
    chownSync(path.join(cache, 'a'), 12_345, 12_345);
    await expect(checkPlace(placeOf(path.join(cache, 'a')))).rejects.toMatchObject({
      message: expect.stringContaining('is a folder of another user') as string,
    });
    // on some file systems all is of one user, whoever makes it
    chownSync(cache, 12_345, 12_345);
    await checkPlace(placeOf(path.join(cache, 'a')));
  });

  test('may be anywhere the user wants, even behind a link', async () => {
    const link = path.join(folder, 'link');
    symlinkSync(elsewhere, link);
    await makePlace({ base: link, names: ['a'] });
    expect(readdirSync(elsewhere)).toEqual(['a']);
  });
});

describe('a small file of the cache', () => {
  test('is read only if it is a regular file', () => {
    const file = path.join(cache, 'a');
    writeFileSync(file, 'größe');
    expect(readOwnText(file, 100)).toBe('größe');
    expect(readOwnText(file, 3)).toBeUndefined();
    expect(readOwnText(path.join(cache, 'none'), 100)).toBeUndefined();
    expect(readOwnText(cache, 100)).toBeUndefined();
    symlinkSync(file, path.join(cache, 'link'));
    expect(readOwnText(path.join(cache, 'link'), 100)).toBeUndefined();
    if (posix) {
      execFileSync('mkfifo', [path.join(cache, 'pipe')]);
      expect(readOwnText(path.join(cache, 'pipe'), 100)).toBeUndefined();
      expect(readOwnText('/dev/zero', 100)).toBeUndefined();
    }
  });

  test('replaces a link when it is written, instead of following it', async () => {
    const file = path.join(cache, 'a');
    const other = path.join(elsewhere, 'other');
    writeFileSync(other, 'mine');
    symlinkSync(other, file);
    await writeWhole(file, 'text');
    expect([lstatSync(file).isFile(), readFileSync(file, 'utf8'), readFileSync(other, 'utf8')]).toEqual([
      true,
      'text',
      'mine',
    ]);
    expect(readdirSync(cache)).toEqual(['a']);
  });

  test('leaves no temporary file when it cannot be written', async () => {
    mkdirSync(path.join(cache, 'a', 'b'), { recursive: true });
    await expect(writeWhole(path.join(cache, 'a'), 'text')).rejects.toThrow();
    expect(readdirSync(cache)).toEqual(['a']);
  });
});

describe('a chunk store', () => {
  const address = `ab${'0'.repeat(38)}`;
  const problems: string[] = [];
  const root = () => path.join(cache, 'chunks');
  const open = (maxBytes = 1e9) => new ChunkStore(root(), 'model', maxBytes, (message) => problems.push(message));
  const fill = (at: string) => {
    mkdirSync(at, { recursive: true });
    writeFileSync(path.join(at, `${address}.kv`), 'x'.repeat(100));
    writeFileSync(path.join(at, 'old.tmp'), '');
    utimesSync(path.join(at, 'old.tmp'), 1, 1);
    return at;
  };

  beforeEach(() => {
    problems.length = 0;
  });

  test('finds, uses and clears its files', async () => {
    const at = fill(path.join(root(), 'model', 'ab'));
    fill(path.join(root(), 'another-model', 'ab'));
    const store = open();
    expect(await store.has(address)).toBe(true);
    expect(store.size).toEqual({ chunks: 2, bytes: 200 });
    expect(readdirSync(at)).toEqual([`${address}.kv`]);
    await store.used(address);
    expect(await store.prepare(address)).toBe(store.file(address));
    expect(await store.clear()).toBe(200);
    expect([readdirSync(at), store.size, problems]).toEqual([[], { chunks: 0, bytes: 0 }, []]);
  });

  /** The folder that is a link, below the cache, and what of the other place then stands for the chunk's folder. */
  const links = [
    ['the folder of all stores', 'chunks', 'model/ab'],
    ["a model's", 'chunks/model', 'ab'],
    ['that of the first digits', 'chunks/model/ab', '.'],
  ] as const;

  test.each(links)(
    'does not read, write or remove anything elsewhere when %s is a link',
    async (_name, link, below) => {
      const theirs = fill(path.join(elsewhere, below));
      mkdirSync(path.dirname(path.join(cache, link)), { recursive: true });
      symlinkSync(elsewhere, path.join(cache, link));
      const before = readdirSync(theirs);
      const store = open(1);
      expect(await store.has(address)).toBe(false);
      expect(await store.prepare(address)).toBeUndefined();
      await store.used(address);
      await store.forget(address);
      expect(await store.clear()).toBe(0);
      expect(store.size).toEqual({ chunks: 0, bytes: 0 });
      expect(readdirSync(theirs)).toEqual(before);
      expect(problems[0]).toBe(
        `Chunks stay in memory alone: ${path.join(cache, link)} is a symbolic link, so it is not used as a folder of the cache.`,
      );
    },
  );

  test.each(links)(
    'does not remove anything elsewhere when %s becomes a link while it is open',
    async (_name, link, below) => {
      fill(path.join(root(), 'model', 'ab'));
      const store = open();
      expect(await store.has(address)).toBe(true);
      const theirs = fill(path.join(elsewhere, below));
      utimesSync(path.join(theirs, `${address}.kv`), 1, 1);
      renameSync(path.join(cache, link), path.join(folder, 'moved'));
      symlinkSync(elsewhere, path.join(cache, link));
      await store.used(address);
      await store.forget(address);
      expect(await store.clear()).toBe(0);
      expect(await store.has(address)).toBe(false);
      expect(await store.prepare(address)).toBeUndefined();
      expect(store.size).toEqual({ chunks: 0, bytes: 0 });
      expect(statSync(path.join(theirs, `${address}.kv`)).mtimeMs).toBe(1000);
    },
  );

  test.skipIf(!isRoot)('does not use the folder of another user', async () => {
    const at = fill(path.join(root(), 'model', 'ab'));
    chownSync(path.join(root(), 'model'), 12_345, 12_345);
    const store = open();
    expect(await store.has(address)).toBe(false);
    expect(await store.clear()).toBe(0);
    expect(existsSync(path.join(at, `${address}.kv`))).toBe(true);
  });

  test.each(['a link', 'a link to nothing', 'a folder', ...(posix ? ['a pipe'] : [])])(
    'does not take %s for a chunk, and evicts none',
    async (what) => {
      const at = path.join(root(), 'model', 'ab');
      const file = path.join(at, `${address}.kv`);
      const other = path.join(elsewhere, 'other.kv');
      mkdirSync(at, { recursive: true });
      if (what === 'a link') {
        writeFileSync(other, 'mine');
      }
      if (what === 'a folder') {
        mkdirSync(file);
      } else if (what === 'a pipe') {
        execFileSync('mkfifo', [file]);
      } else {
        symlinkSync(other, file);
      }
      const store = open(1);
      expect(await store.has(address)).toBe(false);
      expect(store.size).toEqual({ chunks: 0, bytes: 0 });
      expect(await store.clear()).toBe(0);
      expect(existsSync(other)).toBe(what === 'a link');
    },
  );

  test('looks only into its own folders', async () => {
    const deep = fill(path.join(root(), 'model', 'ab', 'deeper'));
    const store = open();
    expect(await store.clear()).toBe(0);
    expect(readdirSync(deep)).toHaveLength(2);
  });
});

describe('choices on files', () => {
  const kept = () => path.join(cache, 'repositories');

  test('are neither read nor written if their folder is a link, but hold until the process ends, with a message', async () => {
    const own = new Choices('/r', path.join(elsewhere, 'repositories'));
    await own.set('.env', 'include', true);
    symlinkSync(path.join(elsewhere, 'repositories'), kept());
    const before = readdirSync(path.join(elsewhere, 'repositories'));
    const choices = new Choices('/r', kept());
    expect(choices.problem).toContain(`${kept()} is a symbolic link`);
    expect(choices.inclusion('.env')).toBe('none');
    await expect(choices.set('a.ts', 'exclude')).rejects.toMatchObject({ code: 'CACHE_REFUSED' });
    expect(choices.at('a.ts')).toBe('exclude');
    expect(readdirSync(path.join(elsewhere, 'repositories'))).toEqual(before);
  });

  test('are reported in the log of the repository when they cannot be kept', async () => {
    vi.stubEnv('FASA_CACHE_DIR', cache);
    symlinkSync(elsewhere, kept());
    const warnings: string[] = [];
    const log = { info: () => undefined, warn: (text: string) => warnings.push(text), error: () => undefined };
    const sizeLimit = { tokensFor: () => Promise.reject(new Error('not asked')) };
    await new WorkspaceFolder(path.join(folder, 'r'), log, sizeLimit).index.close();
    expect(warnings).toEqual([expect.stringContaining('Choices on files are not kept')]);
  });

  test.skipIf(!posix)('are none where their file is a pipe, a device or a link, and it is replaced', async () => {
    const probe = new Choices('/r', kept());
    await probe.set('a', 'exclude');
    const file = path.join(kept(), readdirSync(kept())[0] ?? '');
    const other = path.join(elsewhere, 'other.json');
    writeFileSync(other, readFileSync(file));
    for (const put of [
      () => execFileSync('mkfifo', [file]),
      () => symlinkSync('/dev/zero', file),
      () => symlinkSync(other, file),
    ]) {
      rmSync(file);
      put();
      const choices = new Choices('/r', kept());
      expect(choices.at('a')).toBeUndefined();
      await choices.set('b', 'exclude');
      expect(lstatSync(file).isFile()).toBe(true);
      expect(new Choices('/r', kept()).at('b')).toBe('exclude');
    }
    expect(readFileSync(other, 'utf8')).not.toContain('"b"');
  });
});

describe("a calibration of the user's own", () => {
  const info = { fingerprint: 'f'.repeat(16), layers: 1, kvHeads: 1, headSize: 4 };
  const calibration = {
    format: 'fasa-calibration',
    version: 1,
    model: { name: 'm', architecture: 'llama', fingerprint: info.fingerprint },
    corpus: 'c',
    tokens: 1,
    dominantFcs: [[[0]]],
  } as const;

  beforeEach(() => vi.stubEnv('FASA_CACHE_DIR', cache));

  test('is stored and found again', async () => {
    await saveOwnCalibration(ownCalibrationFile(info), calibration);
    expect(await findCalibration(info)).toMatchObject(calibration);
  });

  test('is neither found nor written if its folder is a link', async () => {
    await saveOwnCalibration(ownCalibrationFile(info), calibration);
    renameSync(path.join(cache, 'calibration'), path.join(elsewhere, 'calibration'));
    symlinkSync(path.join(elsewhere, 'calibration'), path.join(cache, 'calibration'));
    expect(await findCalibration(info)).toBeUndefined();
    await expect(saveOwnCalibration(ownCalibrationFile(info), calibration)).rejects.toMatchObject({
      code: 'CACHE_REFUSED',
    });
  });

  test.skipIf(!posix)('is none where it is a pipe or a device, and is written over it', async () => {
    const file = ownCalibrationFile(info);
    mkdirSync(path.dirname(file), { recursive: true });
    for (const put of [() => execFileSync('mkfifo', [file]), () => symlinkSync('/dev/zero', file)]) {
      put();
      expect(await findCalibration(info)).toBeUndefined();
      await saveOwnCalibration(file, calibration);
      expect(await findCalibration(info)).toMatchObject(calibration);
      rmSync(file);
    }
  });
});
