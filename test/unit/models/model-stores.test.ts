/** Stores of other programs, made as those make them, and with what goes wrong in them. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findModels } from '../../../language-server/models/stores/find-models';
import { storeLocations } from '../../../language-server/models/stores/locations';
import { findGgufFiles } from '../../../language-server/models/stores/walk';
import { writeGguf } from '../../native/tools/gguf-writer';
import { tinyModel, tinyModelFile } from '../../native/tools/tiny-model';

const model = tinyModel({ architecture: 'qwen2' }).bytes;
const hash = 'a'.repeat(64);

let folder = '';
let outside = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa stores ü-'));
  outside = mkdtempSync(path.join(os.tmpdir(), 'fasa-outside-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
});

function put(name: string, bytes: Uint8Array | string = model): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

/** Only what is below the folder of the test is a store. */
function find(folders: readonly string[] = []) {
  const environment = {
    FASA_CACHE_DIR: path.join(folder, 'fasa'),
    OLLAMA_MODELS: path.join(folder, '.ollama', 'models'),
  };
  return findModels({ environment, platform: 'linux', home: folder, folders });
}

function manifest(name: string, layers: unknown): string {
  return put(`.ollama/models/manifests/${name}`, typeof layers === 'string' ? layers : JSON.stringify({ layers }));
}

function layer(digest = `sha256:${hash}`) {
  return { mediaType: 'application/vnd.ollama.image.model', digest, size: model.length };
}

const supported = { support: { supported: true } };
const refused = (reason: RegExp) => ({
  support: { supported: false, reason: expect.stringMatching(reason) as string },
});

describe('the places of stores', () => {
  test.each([
    ['linux', '/home/a/.cache/llama.cpp'],
    ['darwin', '/home/a/Library/Caches/llama.cpp'],
  ] as const)('on %s are those that each program documents', (platform, llama) => {
    const places = storeLocations({ environment: {}, platform, home: '/home/a' }).map(({ folder }) => folder);
    expect(places).toEqual(
      expect.arrayContaining([
        '/home/a/.ollama/models',
        '/home/a/.lmstudio/models',
        '/home/a/.cache/huggingface/hub',
        llama,
      ]),
    );
  });

  test('can be chosen by the environment of each program', () => {
    const environment = { OLLAMA_MODELS: '/o', LLAMA_CACHE: '/l', HF_HOME: '/h', FASA_CACHE_DIR: '/f' };
    const places = storeLocations({ environment, platform: 'linux', home: '/home/a', folders: ['/mine', '/l'] });
    expect(places.map(({ kind, folder }) => `${kind} ${folder}`)).toEqual([
      'own /f/models',
      'ollama /o',
      'lm-studio /home/a/.lmstudio/models',
      'lm-studio /home/a/.cache/lm-studio/models',
      'llama.cpp /l',
      'hugging-face /h/hub',
      'folder /mine',
    ]);
    const hub = storeLocations({ environment: { HF_HUB_CACHE: '/hub' }, platform: 'linux', home: '/home/a' });
    expect(hub.find(({ kind }) => kind === 'hugging-face')?.folder).toBe('/hub');
  });
});

describe('models on this machine', () => {
  test('are found in every store, and used where they lie', async () => {
    const own = put('fasa/models/Own-1B-Q8_0.gguf');
    const studio = put('.lmstudio/models/publisher/repository/Studio-7B-Instruct-Q4_K_M.gguf');
    const llama = put('.cache/llama.cpp/ggml-org_Qwen2.5-Coder-1.5B-GGUF_qwen2.5-coder-1.5b-q8_0.gguf');
    const mine = put('my models/mine.gguf');
    const blob = put('.cache/huggingface/hub/models--a--b/blobs/0123');
    const snapshot = path.join(folder, '.cache/huggingface/hub/models--a--b/snapshots/main');
    mkdirSync(snapshot, { recursive: true });
    symlinkSync(path.relative(snapshot, blob), path.join(snapshot, 'B-3B-Q5_K_M.gguf'));
    manifest('registry.ollama.ai/library/qwen2.5-coder/1.5b', [layer()]);
    const ollama = put(`.ollama/models/blobs/sha256-${hash}`);
    const found = await find([path.dirname(mine)]);
    expect(found.map(({ store, file, name }) => [store, file, name])).toEqual([
      ['own', own, 'Own 1B, F32'],
      ['ollama', ollama, 'Qwen2.5-Coder 1.5B, F32'],
      ['lm-studio', studio, 'Studio 7B Instruct, F32'],
      ['llama.cpp', llama, 'Qwen2.5-Coder 1.5B, F32'],
      ['hugging-face', path.join(snapshot, 'B-3B-Q5_K_M.gguf'), 'B 3B, F32'],
      ['folder', mine, 'Tiny qwen2, F32'],
    ]);
    for (const one of found) {
      expect(one).toMatchObject({ ...supported, bytes: model.length, header: { architecture: 'qwen2' } });
    }
  });

  test('that cannot be used say why', async () => {
    put('fasa/models/a.gguf', 'no model');
    put('fasa/models/b.gguf', model.subarray(0, 200));
    const split = tinyModelFile({ architecture: 'llama' });
    put(
      'fasa/models/c-00001-of-00002.gguf',
      writeGguf({ ...split, metadata: [...split.metadata, ['split.count', { type: 'u16', value: 2 }]] }).bytes,
    );
    put('fasa/models/c-00002-of-00002.gguf');
    expect(await find()).toMatchObject([
      { name: 'a.gguf', ...refused(/^is no GGUF file$/) },
      { name: 'b.gguf', ...refused(/^ends inside of its header/) },
      refused(/^is part 1 of 2/),
    ]);
  });

  test('of Ollama have the names that one runs them by', async () => {
    for (const [index, name] of ['registry.ollama.ai/someone/model/latest', 'hf.co/a/b/Q4_K_M'].entries()) {
      const digest = `${index}`.repeat(64);
      manifest(name, [
        layer(`sha256:${digest}`),
        { mediaType: 'application/vnd.ollama.image.license', digest: 'sha256:x' },
      ]);
      put(`.ollama/models/blobs/sha256-${digest}`);
    }
    expect((await find()).map(({ storeName }) => storeName)).toEqual(['hf.co/a/b:Q4_K_M', 'someone/model:latest']);
  });

  test('of Ollama that its manifests lie about', async () => {
    manifest('registry.ollama.ai/library/gone/1b', [layer()]);
    manifest('registry.ollama.ai/library/broken/1b', '{"layers": [');
    manifest('registry.ollama.ai/library/other/1b', [layer('sha256:../../../../etc/passwd')]);
    manifest('registry.ollama.ai/library/shape/1b', 7);
    manifest('registry.ollama.ai/library/remote/1b', []);
    const leading = 'c'.repeat(64);
    manifest('registry.ollama.ai/library/leading/1b', [layer(`sha256:${leading}`)]);
    writeFileSync(path.join(outside, 'x.gguf'), model);
    mkdirSync(path.join(folder, '.ollama/models/blobs'), { recursive: true });
    symlinkSync(path.join(outside, 'x.gguf'), path.join(folder, `.ollama/models/blobs/sha256-${leading}`));
    expect(await find()).toMatchObject([
      { name: 'broken:1b', ...refused(/^has a manifest that cannot be read/) },
      { name: 'gone:1b', ...refused(/its file is missing; "ollama pull gone:1b"/) },
      { name: 'leading:1b', ...refused(/leads out of/) },
      { name: 'other:1b', ...refused(/names no file by its hash/) },
      { name: 'shape:1b', ...refused(/^has a manifest that cannot be read/) },
    ]);
  });

  test('stand once where two stores have the same file', async () => {
    const file = put('fasa/models/one.gguf');
    expect(await find([path.dirname(file), folder])).toHaveLength(1);
  });

  test('are only looked at', async () => {
    put('fasa/models/one.gguf');
    manifest('registry.ollama.ai/library/a/1b', [layer()]);
    put(`.ollama/models/blobs/sha256-${hash}`);
    const before = readdirSync(folder, { recursive: true }).toSorted();
    const times = before.map((name) => statSync(path.join(folder, String(name))).mtimeMs);
    await find();
    expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual(before);
    expect(before.map((name) => statSync(path.join(folder, String(name))).mtimeMs)).toEqual(times);
  });
});

describe('a walk', () => {
  test('follows no link out, and none into a circle', async () => {
    writeFileSync(path.join(outside, 'secret.gguf'), model);
    put('a/here.gguf');
    symlinkSync(outside, path.join(folder, 'a/linked'));
    symlinkSync('.', path.join(folder, 'a/circle'));
    symlinkSync(path.join(outside, 'secret.gguf'), path.join(folder, 'a/secret.gguf'));
    symlinkSync('/no/such', path.join(folder, 'a/broken.gguf'));
    mkdirSync(path.join(folder, 'a/folder.gguf'));
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [path.join(folder, 'a/pipe.gguf')]);
    }
    expect(await findGgufFiles(path.join(folder, 'a'))).toEqual([path.join(folder, 'a/here.gguf')]);
  });

  test('begins at a link where the user put one', async () => {
    put('a/here.gguf');
    symlinkSync(path.join(folder, 'a'), path.join(outside, 'b'));
    expect(await findGgufFiles(path.join(outside, 'b'))).toEqual([path.join(outside, 'b', 'here.gguf')]);
  });

  test('ends at its limits', async () => {
    const deep = put('a/b/c/deep.gguf');
    for (let i = 0; i < 20; i++) {
      cpSync(deep, path.join(folder, `a/${i}.gguf`));
    }
    const root = path.join(folder, 'a');
    const limits = { depth: 8, entries: 1000, files: 1000 };
    expect(await findGgufFiles(root, limits)).toHaveLength(21);
    expect(await findGgufFiles(root, { ...limits, depth: 1 })).toHaveLength(20);
    expect(await findGgufFiles(root, { ...limits, files: 5 })).toHaveLength(5);
    expect((await findGgufFiles(root, { ...limits, entries: 10 })).length).toBeLessThan(11);
    expect(await findGgufFiles(path.join(root, 'none'))).toEqual([]);
  });
});
