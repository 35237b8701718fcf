/** Parts of a split model: each is named as what it is, by its header, or by its name where the header is silent. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inspectModel } from '../../language-server/engine/native/inspect';
import { loadAddon } from '../../language-server/engine/native/load-addon';
import { type GgufValue, writeGguf } from './tools/gguf-writer';
import { tinyModelFile } from './tools/tiny-model';

const folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const whole = tinyModelFile({ architecture: 'llama' });

function split(no: number, count: number, type: 'u16' | 'i32' = 'u16'): [string, GgufValue][] {
  return [
    ['split.no', { type, value: no }],
    ['split.count', { type, value: count }],
    ['split.tensors.count', { type: 'i32', value: whole.tensors.length }],
  ];
}

function failureOf(name: string, bytes: Uint8Array): unknown {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  try {
    inspectModel(loadAddon(), file);
    return undefined;
  } catch (error) {
    return error;
  }
}

const saysPart = (part: string) => ({
  code: 'UNSUPPORTED_MODEL',
  message: expect.stringMatching(new RegExp(`is ${part} of a split model\\.$`)),
  remedy: expect.stringContaining('llama-gguf-split --merge'),
});

test.each([
  ['the first part, which has all metadata', 0, whole.metadata, 'm.gguf', 'part 1 of 3'],
  ['the second part, which has none but that of the split', 1, [], 'm-00002-of-00003.gguf', 'part 2 of 3'],
  ['the last part under another name', 2, [], 'renamed.gguf', 'part 3 of 3'],
] as const)('%s, is named by its header', (_, no, metadata, name, part) => {
  const { bytes } = writeGguf({ metadata: [...metadata, ...split(no, 3)], tensors: whole.tensors.slice(0, 2) });
  expect(failureOf(name, bytes)).toMatchObject(saysPart(part));
});

test('a part whose numbers have another type is recognized as well', () => {
  const { bytes } = writeGguf({ metadata: split(1, 12, 'i32'), tensors: whole.tensors.slice(0, 1) });
  expect(failureOf('a.gguf', bytes)).toMatchObject(saysPart('part 2 of 12'));
});

test.each([
  [
    'tensors without metadata',
    'm-00002-of-00004.gguf',
    writeGguf({ metadata: [], tensors: whole.tensors.slice(0, 1) }).bytes,
    2,
    4,
  ],
  ['bytes that are no GGUF', 'm.gguf.part3of7', new Uint8Array(4096).fill(7), 3, 7],
  ['the beginning of a file that was cut', 'M-00001-OF-00002.GGUF', writeGguf(whole).bytes.subarray(0, 5000), 1, 2],
] as const)('%s, is named by its name', (_, name, bytes, part, parts) => {
  expect(failureOf(name, bytes)).toMatchObject(saysPart(`by its name part ${part} of ${parts}`));
});

test.each([
  ['one part of one', 'one.gguf', split(0, 1)],
  ['the name of one part of one', 'm-00001-of-00001.gguf', []],
  ['a whole model under the name of a part', 'm-00001-of-00002.gguf', []],
] as [string, string, [string, GgufValue][]][])('%s loads like any other model', (_, name, metadata) => {
  const { bytes } = writeGguf({ ...whole, metadata: [...whole.metadata, ...metadata] });
  expect(failureOf(name, bytes)).toBeUndefined();
});

test('a damaged model is not called a part when its name does not say so', () => {
  const { bytes } = writeGguf({ metadata: [], tensors: whole.tensors.slice(0, 1) });
  expect(failureOf('part-2-of-the-work.gguf', bytes)).toMatchObject({
    code: 'BAD_GGUF',
    message: expect.not.stringContaining('split'),
  });
});
