/** `models` of the command line as a process of its own: lists, a hub on this machine, what is removed. */

import { spawn } from 'node:child_process';
import {
  copyFileSync,
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
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ListedModel } from '../../../language-server/protocol/models';
import { saveTinyModel } from '../../native/tools/tiny-model';
import { startHub, type TestHub } from '../../unit/models/hub-server';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
let folder = '';
let model = '';
let cli = '';

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-models-command-'));
  model = saveTinyModel(folder, 'tiny', { architecture: 'llama', seed: 1 });
  cli = path.join(folder, 'cli.cjs');
  await build({
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    entryPoints: [path.join(root, 'language-server', 'cli.ts')],
    outfile: cli,
  });
});

afterEach(() => {
  rmSync(path.join(folder, 'cache'), { recursive: true, force: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** @param interrupt when that is settled */
function run(argv: readonly string[], interrupt?: Promise<unknown>) {
  const child = spawn(process.execPath, [cli, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // no store of this machine is looked at
    env: {
      ...process.env,
      FASA_MODEL: model,
      FASA_ADDON: path.join(root, 'dist', 'native', 'addon.node'),
      FASA_CACHE_DIR: path.join(folder, 'cache'),
      HOME: folder,
      OLLAMA_MODELS: path.join(folder, 'none'),
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString('utf8');
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString('utf8');
  });
  void interrupt?.then(() => child.kill('SIGINT'));
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, out, err })),
  );
}

describe('models', () => {
  test('list says what is here, what can be used, and what can be fetched', async () => {
    const inside = path.join(folder, 'cache', 'models', 'Qwen', 'Qwen2.5-Coder-1.5B-Instruct-GGUF');
    mkdirSync(inside, { recursive: true });
    copyFileSync(model, path.join(inside, 'qwen2.5-coder-1.5b-instruct-q8_0.gguf'));
    const other = path.join(folder, 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(path.join(other, 'half.gguf'), 'GGUF');
    const { out } = await run(['models', 'list', '--json', '--folder', other]);
    const { models } = JSON.parse(out) as { models: ListedModel[] };
    expect(models.slice(0, 2)).toMatchObject([
      {
        name: 'Qwen2.5-Coder 1.5B Instruct, F32',
        store: 'own',
        support: { supported: true },
        fit: { kind: 'fits', tier: 'cpu' },
        best: true,
        removable: true,
        catalogue: { name: 'qwen2.5-coder-1.5b', license: 'Apache-2.0' },
      },
      { name: 'half.gguf', store: 'folder', support: { supported: false }, best: false, removable: false },
    ]);
    expect(models.map(({ id }) => id)).toContain('default');
    expect(models.filter(({ catalogue }) => catalogue?.name === 'qwen2.5-coder-1.5b')).toHaveLength(1);
    const text = (await run(['models', 'list', '--folder', other])).out;
    expect(text).toMatch(/best fit, fits: needs about .* of memory with 2,048 tokens/);
    expect(text).toContain('ends inside of its header');
    // its name is enough from now on
    const info = await run(['models', 'info', 'qwen2.5-coder-1.5b', '--json']);
    expect(JSON.parse(info.out)).toMatchObject({ layers: 2 });
    expect((await run(['models', 'remove', 'qwen2.5-coder-1.5b'])).err).toContain('is removed');
    expect(readdirSync(inside)).toEqual([]);
    expect((await run(['ask', 'what?', '--model', 'qwen2.5-coder-1.5b'])).err).toMatch(
      /Qwen2\.5-Coder 1\.5B Instruct is not on this machine.*models add qwen2\.5-coder-1\.5b/,
    );
  });
});

describe('a model of the hub', () => {
  const url = '/owner/repo/resolve/main/tiny-1B-q8_0.gguf';
  let hub: TestHub;
  let file = '';
  const models = (action: string, ...argv: string[]) => run(['models', action, ...argv, '--mirror', hub.endpoint]);

  beforeEach(async () => {
    hub = await startHub();
    hub.put('owner/repo/tiny-1B-q8_0.gguf', readFileSync(model));
    file = path.join(folder, 'cache', 'models', 'owner', 'repo', 'tiny-1B-q8_0.gguf');
  });

  afterEach(() => hub.close());

  test('is looked at, and nothing is fetched', async () => {
    const { out } = await models('info', 'owner/repo');
    expect(out).toMatch(/not fetched\n.*llama, supported\n/);
    expect(out).toMatch(/memory {8}fits: needs about/);
    expect(existsSync(file)).toBe(false);
  });

  test('is fetched, used and removed', async () => {
    const added = await models('add', 'owner/repo');
    expect(added).toMatchObject({ code: 0, out: '' });
    expect(added.err).toMatch(/It fits: needs about/);
    expect(added.err).toContain(`Tiny 1B, F32 is in ${file}`);
    const again = await models('add', 'owner/repo', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ file, added: false, support: { supported: true } });
    expect((await models('info', file)).out).toContain('Tiny 1B, F32');
    expect((await models('remove', file)).code).toBe(0);
    expect((await models('remove', file)).err).toContain('is not there');
    expect((await models('remove', model)).err).toContain('so it is not removed');
  });

  test('goes on after Ctrl+C', async () => {
    // the first request is the look at its header
    hub.next(url, { kind: 'ignore-range' }, { kind: 'stall', after: 100_000 });
    const begun = hub.request(url).then(() => hub.request(url));
    const stopped = await run(['models', 'add', 'owner/repo', '--mirror', hub.endpoint], begun);
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain('Interrupted.');
    const { models: listed } = JSON.parse((await run(['models', 'list', '--json'])).out) as { models: ListedModel[] };
    expect(listed[0]).toMatchObject({ id: 'owner/repo:tiny-1B-q8_0.gguf', file, support: { supported: false } });
    expect(listed[0]?.begunBytes).toBeLessThanOrEqual(100_000);
    expect((await run(['models', 'list'])).out).toContain('models add owner/repo:tiny-1B-q8_0.gguf" goes on with it');
    expect((await models('add', 'owner/repo')).code).toBe(0);
    expect(readFileSync(file).equals(readFileSync(model))).toBe(true);
  });

  test('that cannot be used, or is not there, is not fetched', async () => {
    const [llama, mamba] = ['llama', 'mamba'].map((name) => `\x05\0\0\0\0\0\0\0${name}`);
    const bytes = readFileSync(model)
      .toString('latin1')
      .replace(llama ?? '', mamba ?? '');
    hub.put('owner/other/tiny-q8_0.gguf', Buffer.from(bytes, 'latin1'));
    const refused = await models('add', 'owner/other');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/tiny-q8_0\.gguf is of the architecture mamba, .* so it is not fetched/);
    const gone = await models('add', 'owner/none');
    expect(gone).toMatchObject({ code: 1, out: '' });
    expect(gone.err).toContain('owner/none was not found');
  });
});
