/** Damage below the level of values: what is no GGUF at all, cut files, counts, lengths, types, shapes, offsets. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { HostileCorpus } from './hostile-corpus';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const u32 = (value: number) => (view: DataView, offset: number) => view.setUint32(offset, value, true);
const u64 = (value: bigint) => (view: DataView, offset: number) =>
  view.setBigUint64(offset, BigInt.asUintN(64, value), true);

/** Counts, lengths and sizes that no reader may believe. */
const absurd: readonly bigint[] = [1n << 32n, 1n << 40n, 1n << 61n, (1n << 63n) - 1n, 1n << 63n, -1n];

export function notModels(corpus: HostileCorpus): void {
  const { folder, written } = corpus;
  corpus.path('no such file', path.join(folder, 'nothing.gguf'), ['FILE_NOT_FOUND'], /nothing\.gguf/);
  corpus.path('an empty path', '', ['BAD_ARGUMENT', 'FILE_NOT_FOUND']);
  corpus.path('a path with a null character', path.join(folder, 'a\0b'), ['BAD_ARGUMENT', 'FILE_NOT_FOUND']);
  corpus.path('a path below a file', path.join(process.execPath, 'x.gguf'), ['FILE_NOT_FOUND'], /x\.gguf/);
  const inner = path.join(folder, 'a folder.gguf');
  mkdirSync(inner);
  corpus.path('a folder', inner, ['FILE_UNREADABLE'], /a folder\.gguf/);
  corpus.unreadable('a file that may not be read', ['FILE_UNREADABLE']);
  if (process.platform !== 'win32') {
    const loop = path.join(folder, 'loop.gguf');
    symlinkSync(loop, loop);
    corpus.path('a link to itself', loop, ['FILE_UNREADABLE'], /loop\.gguf/);
    corpus.path('a name that no file can have', path.join(folder, 'x'.repeat(300)), [
      'FILE_UNREADABLE',
      'FILE_NOT_FOUND',
    ]);
    corpus.path('a device', '/dev/null', ['FILE_UNREADABLE'], /dev\/null/);
    const pipe = path.join(folder, 'pipe.gguf');
    execFileSync('mkfifo', [pipe]);
    corpus.path('a pipe that nobody writes to', pipe, ['FILE_UNREADABLE'], /pipe\.gguf/);
  }
  corpus.bytes('an empty file', new Uint8Array(0), ['FILE_UNREADABLE', 'NOT_GGUF'], /empty/);
  corpus.bytes('one byte', text('G'), ['NOT_GGUF']);
  corpus.bytes('three letters of the magic', text('GGU'), ['NOT_GGUF']);
  corpus.bytes('the magic alone', text('GGUF'), ['BAD_GGUF']);
  corpus.bytes('a text', text('import os\n'.repeat(100)), ['NOT_GGUF']);
  corpus.bytes('a text behind a byte order mark', text('\ufeffGGUF is a file format\n'), ['NOT_GGUF']);
  corpus.bytes('a text that begins with GGUF', text('GGUF is a file format\n'.repeat(100)), ['BAD_GGUF']);
  corpus.bytes('a ZIP archive', text('PK\x03\x04'.padEnd(500, '\0')), ['NOT_GGUF']);
  corpus.bytes('nothing but zeros', new Uint8Array(4096), ['NOT_GGUF']);
  corpus.bytes('the old GGML format', text('lmgg'.padEnd(500, '\x01')), ['NOT_GGUF']);
  corpus.bytes('the magic, then zeros', text('GGUF'.padEnd(4096, '\0')), ['BAD_GGUF'], /version/i);
  corpus.bytes('the magic, then all bits set', filled('GGUF', 4096, 0xff), ['BAD_GGUF']);
  corpus.bytes('a web page', text('<!DOCTYPE html><title>404</title>'), ['NOT_GGUF']);

  const swapped = written.bytes.slice();
  const view = new DataView(swapped.buffer);
  view.setUint32(4, 3, false);
  view.setBigUint64(8, BigInt(corpus.file.tensors.length), false);
  view.setBigUint64(16, BigInt(corpus.file.metadata.length), false);
  corpus.bytes('the other byte order', swapped, ['BAD_GGUF'], /endian|byte order/i);
}

function filled(start: string, length: number, value: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(value);
  bytes.set(text(start));
  return bytes;
}

/** Cut at places all over the header and the data; each must be seen before anything is used. */
export function cutFiles(corpus: HostileCorpus): void {
  const { bytes, dataStart, layout } = corpus.written;
  const last = corpus.file.tensors.at(-1);
  const dataEnd = (layout.get(`${last?.name}/data`) ?? 0) + (last?.data.length ?? 0);
  const places = new Set<number>([5, 8, 12, 16, 23, 24, dataStart - 1, dataStart, dataEnd - 1]);
  for (let i = 1; i < 50; i++) {
    places.add(Math.floor((i * dataStart) / 50));
    places.add(dataStart + Math.floor((i * (dataEnd - dataStart)) / 50));
  }
  for (const place of [...places].toSorted((a, b) => a - b)) {
    corpus.bytes(`cut at byte ${place} of ${bytes.length}`, bytes.slice(0, place), ['BAD_GGUF']);
  }
}

export function absurdHeaders(corpus: HostileCorpus): void {
  for (const version of [0, 1, 4, 77, 0xffffffff]) {
    corpus.patched(`version ${version}`, 'version', u32(version), ['BAD_GGUF'], /version/i);
  }
  for (const count of absurd) {
    corpus.patched(`${count} tensors`, 'tensorCount', u64(count), ['BAD_GGUF'], /tensor/);
    corpus.patched(`${count} keys`, 'metadataCount', u64(count), ['BAD_GGUF'], /key/);
  }
  const tensors = BigInt(corpus.file.tensors.length);
  const keys = BigInt(corpus.file.metadata.length);
  corpus.patched('one tensor more than there is', 'tensorCount', u64(tensors + 1n), ['BAD_GGUF']);
  corpus.patched('one tensor less than there is', 'tensorCount', u64(tensors - 1n), ['BAD_GGUF', 'MISSING_TENSOR']);
  corpus.patched('no tensors', 'tensorCount', u64(0n), ['MISSING_TENSOR'], /token_embd/);
  corpus.patched('one key more than there is', 'metadataCount', u64(keys + 1n), ['BAD_GGUF']);
  corpus.patched('one key less than there is', 'metadataCount', u64(keys - 1n), ['BAD_GGUF']);
  corpus.patched('no keys', 'metadataCount', u64(0n), ['BAD_GGUF']);
}

export function absurdValues(corpus: HostileCorpus): void {
  const key = 'llama.block_count';
  for (const length of [0n, ...absurd, BigInt(corpus.written.bytes.length)]) {
    corpus.patched(`a key of ${length} bytes`, `${key}/key`, u64(length), ['BAD_GGUF']);
    corpus.patched(`a text of ${length} bytes`, 'general.name/value', u64(length), ['BAD_GGUF']);
    corpus.patched(`a tensor name of ${length} bytes`, 'output_norm.weight/name', u64(length), ['BAD_GGUF']);
    if (length > 0n) {
      const list = 'tokenizer.ggml.tokens';
      corpus.patched(`a list of ${length} texts`, `${list}/length`, u64(length), ['BAD_GGUF'], /tokens/);
      corpus.patched(`a list of ${length} numbers`, 'tokenizer.ggml.token_type/length', u64(length), ['BAD_GGUF']);
    }
  }
  for (const type of [9, 13, 99, 0x7fffffff, 0xffffffff]) {
    corpus.patched(`a list of values of type ${type}`, 'tokenizer.ggml.token_type/of', u32(type), ['BAD_GGUF']);
    if (type !== 9) {
      corpus.patched(`a value of type ${type}`, `${key}/type`, u32(type), ['BAD_GGUF'], /block_count/);
    }
  }
  const duplicate = corpus.file.metadata[3];
  corpus.rebuilt(
    'a key that is there twice',
    (file) => ({ ...file, metadata: duplicate ? [...file.metadata, duplicate] : [] }),
    ['BAD_GGUF'],
    /twice|duplicate/,
  );
}

export function absurdTensors(corpus: HostileCorpus): void {
  const tensor = 'blk.0.attn_k.weight';
  const named = /blk\.0\.attn_k\.weight/;
  for (const count of [0, 5, 1000, 0xffffffff]) {
    corpus.patched(`a tensor of ${count} dimensions`, `${tensor}/dimensions`, u32(count), ['BAD_GGUF'], named);
  }
  for (const size of [0n, ...absurd]) {
    corpus.patched(`rows of ${size} values`, `${tensor}/shape`, u64(size), ['BAD_GGUF'], named);
  }
  const whole = (first: bigint, second: bigint) => (view: DataView, offset: number) => {
    u64(first)(view, offset);
    u64(second)(view, offset + 8);
  };
  corpus.patched(
    'a size whose product wraps to 0',
    `${tensor}/shape`,
    whole(1n << 32n, 1n << 32n),
    ['BAD_GGUF'],
    named,
  );
  corpus.patched('a size that wraps in bytes', `${tensor}/shape`, whole(1n << 31n, 1n << 31n), ['BAD_GGUF'], named);
  corpus.patched('a size past the file', `${tensor}/shape`, whole(64n, 1n << 20n), ['BAD_GGUF'], /attn_/);
  for (const type of [4, 5, 31, 36, 200, 0x7fffffff, 0xffffffff]) {
    corpus.patched(`a tensor of type ${type}`, `${tensor}/type`, u32(type), ['BAD_GGUF'], named);
  }
  for (const offset of [1n, 32n, ...absurd, BigInt(corpus.written.bytes.length)]) {
    corpus.patched(`data at offset ${offset}`, `${tensor}/offset`, u64(offset), ['BAD_GGUF'], named);
  }
  corpus.rebuilt(
    'a tensor that is there twice',
    (file) => ({ ...file, tensors: [...file.tensors, ...file.tensors.slice(0, 1)] }),
    ['BAD_GGUF'],
    /token_embd/,
  );
  for (const value of [0, 3, 33, 0x80000000, 0xffffffff]) {
    corpus.key(`alignment ${value}`, 'general.alignment', { type: 'u32', value }, ['BAD_GGUF'], /alignment/);
  }
  corpus.key('alignment as a text', 'general.alignment', { type: 'string', value: '32' }, ['BAD_GGUF'], /alignment/);
  corpus.key('alignment of 64 bits', 'general.alignment', { type: 'u64', value: 32 }, ['BAD_GGUF'], /alignment/);
}
