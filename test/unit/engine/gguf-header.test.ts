/** The header reader against files of every kind that lies in people's stores, and against hostile bytes. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHeader, readHeaderOfFile } from '../../../language-server/engine/gguf/header';
import { parseHeader } from '../../../language-server/engine/gguf/parse';
import { supportOf, supportOfFailure } from '../../../language-server/models/support';
import { type GgufFile, type GgufValue, writeGguf } from '../../native/tools/gguf-writer';
import { tinyModel, tinyModelFile } from '../../native/tools/tiny-model';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-header-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function save(bytes: Uint8Array | string): string {
  const file = path.join(folder, 'model.gguf');
  writeFileSync(file, bytes);
  return file;
}

async function reasonOf(bytes: Uint8Array | string): Promise<string | undefined> {
  const support = await readHeaderOfFile(save(bytes)).then(({ header }) => supportOf(header), supportOfFailure);
  return support.supported ? undefined : support.reason;
}

const text = (value: string): GgufValue => ({ type: 'string', value });
const count = (value: number): GgufValue => ({ type: 'u32', value });

function withKeys(file: GgufFile, keys: Readonly<Record<string, GgufValue>>): GgufFile {
  const others = file.metadata.filter(([key]) => !Object.hasOwn(keys, key));
  return { ...file, metadata: [...Object.entries(keys), ...others] };
}

const base = tinyModelFile({ architecture: 'llama' });
const bytesWith = (keys: Readonly<Record<string, GgufValue>>) => writeGguf(withKeys(base, keys)).bytes;

describe('a header', () => {
  test('says what the engine says of the same file', async () => {
    const options = { architecture: 'qwen3', heads: 4, kvHeads: 2, chatTemplate: '{{ bos }}' } as const;
    const { bytes } = tinyModel(options);
    const { header, bytes: size } = await readHeaderOfFile(save(bytes));
    expect(size).toBe(bytes.length);
    expect(header).toMatchObject({
      architecture: 'qwen3',
      name: 'Tiny qwen3',
      trainedContext: 2048,
      layers: 2,
      kvBytesPerToken: 2 * 2 * 2 * 2 * 64,
      quantization: 'F32',
      hasChatTemplate: true,
      hasVocabulary: true,
    });
    const elements = tinyModelFile(options).tensors.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
    expect(header.parameters).toBe(elements.reduce((sum, n) => sum + n, 0));
  });

  test('counts the keys and values of layers that differ', async () => {
    const heads: GgufValue = { type: 'array', of: 'i32', value: [1, 2] };
    const { header } = await readHeaderOfFile(save(bytesWith({ 'llama.attention.head_count_kv': heads })));
    expect(header.kvBytesPerToken).toBe(2 * 2 * 64 * (1 + 2));
  });

  test('of a model that does not say its heads has no figure for its keys and values', async () => {
    const { header } = await readHeaderOfFile(save(bytesWith({ 'llama.attention.head_count': count(0) })));
    expect(header.kvBytesPerToken).toBeUndefined();
  });

  test('is read as far as the vocabulary where that is enough', async () => {
    const { bytes } = tinyModel({ architecture: 'llama' });
    const tokens = Buffer.from(bytes).indexOf('tokenizer.ggml.tokens');
    const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
    const options = { untilVocabulary: true, maxBytes: tokens + 40 };
    const header = await readHeader({ size: bytes.length, read }, options);
    expect(header).toMatchObject({ architecture: 'llama', layers: 2, kvBytesPerToken: 2 * 2 * 2 * 64, parameters: 0 });
  });

  test('of a longer file than one piece is read in few reads', async () => {
    const tokens: GgufValue = {
      type: 'array',
      of: 'string',
      value: Array.from({ length: 60_000 }, (_, i) => `token ${i}`),
    };
    const { bytes } = writeGguf(withKeys(base, { 'tokenizer.ggml.tokens': tokens }));
    let reads = 0;
    const read = async (offset: number, length: number) => {
      reads += 1;
      return bytes.subarray(offset, offset + length);
    };
    expect((await readHeader({ size: bytes.length, read })).parameters).toBeGreaterThan(0);
    expect(reads).toBeLessThan(4);
  });
});

describe('a file that is no model', () => {
  test.each<[name: string, bytes: () => Uint8Array | string, reason: RegExp]>([
    [
      'a shard',
      () => bytesWith({ 'split.count': count(3), 'split.no': count(1) }),
      /^is part 2 of 3 of a split model$/,
    ],
    ['a LoRA', () => bytesWith({ 'general.type': text('adapter') }), /LoRA/],
    ['an mmproj', () => bytesWith({ 'general.type': text('mmproj') }), /images \(mmproj\)/],
    ['an older mmproj', () => bytesWith({ 'general.architecture': text('clip') }), /images \(mmproj\)/],
    ['an importance matrix', () => bytesWith({ 'general.type': text('imatrix') }), /importance matrix/],
    ['an embedding model', () => bytesWith({ 'general.architecture': text('nomic-bert') }), /embedding model/],
    ['one that pools', () => bytesWith({ 'llama.pooling_type': count(3) }), /embedding model/],
    [
      'one that looks ahead',
      () => bytesWith({ 'llama.attention.causal': { type: 'bool', value: false } }),
      /embedding/,
    ],
    ['a mixture of experts', () => bytesWith({ 'llama.expert_count': count(8) }), /mixture of experts/],
    [
      'another architecture',
      () => bytesWith({ 'general.architecture': text('mamba') }),
      /architecture mamba, and llama, qwen2 and qwen3/,
    ],
    ['a vocabulary', () => writeGguf({ ...base, tensors: [] }).bytes, /vocabulary without a model/],
    ['a web page', () => '<!DOCTYPE html><html><title>Sign in</title></html>', /^is no GGUF file: it is a web page$/],
    ['a pointer', () => 'version https://git-lfs.github.com/spec/v1\noid sha256:1', /pointer to a large file/],
    ['nothing', () => '', /^ends inside of its header, at byte 0$/],
    ['a text', () => 'hello, world', /^is no GGUF file$/],
  ])('that is %s is told by its name', async (_name, bytes, reason) => {
    expect(await reasonOf(bytes())).toMatch(reason);
  });

  test('of version 1 or of a later one, or of the other byte order', async () => {
    const version = (...four: number[]) => {
      const bytes = tinyModel({ architecture: 'llama' }).bytes.slice();
      bytes.set(four, 4);
      return bytes;
    };
    expect(await reasonOf(version(1, 0, 0, 0))).toMatch(/version 1/);
    expect(await reasonOf(version(9, 0, 0, 0))).toMatch(/version 9/);
    expect(await reasonOf(version(0, 0, 0, 3))).toMatch(/big-endian/);
    expect(await reasonOf(`FUGG${'\0'.repeat(100)}`)).toMatch(/big-endian/);
  });

  test('that is a folder, a pipe or gone', async () => {
    await expect(readHeaderOfFile(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(readHeaderOfFile(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    if (process.platform !== 'win32') {
      const pipe = path.join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      await expect(readHeaderOfFile(pipe)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    }
  });
});

describe('hostile bytes', () => {
  const { bytes, layout } = tinyModel({ architecture: 'llama' });
  const headerEnd = layout.get('infoEnd') ?? 0;

  test('that end anywhere are a truncated header, or one that ends there', () => {
    for (let end = 0; end < headerEnd; end += 7) {
      const start = bytes.slice(0, end);
      expect(() => parseHeader(start, true)).toThrow(/ends inside of its header/);
      expect(parseHeader(start, false).endsAt).toBeDefined();
    }
  });

  test.each(['tensorCount', 'metadataCount', 'general.name/key', 'general.name/value', 'tokenizer.ggml.tokens/length'])(
    'with an absurd number as %s are refused without room for it',
    (field) => {
      for (const value of [2n ** 64n - 1n, 2n ** 53n - 1n, 2n ** 40n]) {
        const changed = bytes.slice();
        new DataView(changed.buffer).setBigUint64(layout.get(field) ?? 0, value, true);
        expect(() => parseHeader(changed, true)).toThrow(/impossible|claims|ends inside|at most/);
      }
    },
  );

  test('with a type that nobody knows are refused', () => {
    const changed = bytes.slice();
    changed[layout.get('general.name/type') ?? 0] = 77;
    expect(() => parseHeader(changed, true)).toThrow(/unknown type 77 \(general\.name\)/);
  });

  test('changed anywhere give a header or an error with a code', async () => {
    for (let at = 4; at < headerEnd; at += 3) {
      const changed = bytes.slice(0, headerEnd);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      const read = async (offset: number, length: number) => changed.subarray(offset, offset + length);
      await readHeader({ size: changed.length, read }).then(supportOf, supportOfFailure);
    }
  });

  test('that go on for ever are given up at the limit', async () => {
    const start = bytes.subarray(0, layout.get('tokenizer.ggml.tokens/length'));
    const endless = async (offset: number, length: number) => {
      const piece = Buffer.alloc(length, 0);
      // a list of 2^40 empty texts
      const whole = Buffer.concat([start, Buffer.from([0, 0, 0, 0, 0, 1, 0, 0])]);
      whole.subarray(Math.min(offset, whole.length)).copy(piece);
      return piece;
    };
    await expect(readHeader({ size: undefined, read: endless }, { maxBytes: 1 << 20 })).rejects.toMatchObject({
      code: 'BAD_GGUF',
    });
  });
});
