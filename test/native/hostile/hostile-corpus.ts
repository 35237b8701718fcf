/** Files that are no usable model, each with the error that it must give. Made of one tiny model, damaged on purpose. */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { NativeErrorCode } from '../../../language-server/base/errors';
import { type GgufFile, type GgufTensor, type GgufValue, type WrittenGguf, writeGguf } from '../tools/gguf-writer';
import { type TinyModelOptions, tinyModelFile } from '../tools/tiny-model';

export interface HostileCase {
  readonly name: string;
  readonly path: string;
  /** Any of these. */
  readonly codes: readonly NativeErrorCode[];
  /** The message names the thing that is wrong. */
  readonly mentions?: RegExp;
  /** Only the tokenizer sees it, which inspecting a model does not load. */
  readonly tokenizerOnly: boolean;
}

/** The model that is damaged: as small as one can be, with all kinds of metadata. */
const healthy = {
  architecture: 'llama',
  layers: 2,
  heads: 2,
  kvHeads: 1,
  feedForward: 64,
  embedding: 64,
} satisfies TinyModelOptions;

export class HostileCorpus {
  readonly cases: HostileCase[] = [];
  readonly file: GgufFile = tinyModelFile(healthy);
  readonly written: WrittenGguf = writeGguf(this.file);
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** A case whose file has these bytes. */
  bytes(name: string, bytes: Uint8Array, codes: readonly NativeErrorCode[], mentions?: RegExp): void {
    const file = path.join(this.folder, `${this.cases.length}.gguf`);
    writeFileSync(file, bytes);
    this.path(name, file, codes, mentions);
  }

  path(name: string, file: string, codes: readonly NativeErrorCode[], mentions?: RegExp): void {
    const tokenizerOnly = codes.includes('BAD_VOCABULARY');
    this.cases.push({ name, path: file, codes, tokenizerOnly, ...(mentions ? { mentions } : {}) });
  }

  /** The healthy file with one field written over; fields are named by the writer's layout. */
  patched(
    name: string,
    field: string,
    put: (view: DataView, offset: number) => void,
    codes: readonly NativeErrorCode[],
    mentions?: RegExp,
  ): void {
    const offset = this.written.layout.get(field);
    if (offset === undefined) {
      throw new Error(`the file has no field ${field}`);
    }
    const bytes = this.written.bytes.slice();
    put(new DataView(bytes.buffer), offset);
    this.bytes(name, bytes, codes, mentions);
  }

  /** The healthy file, or another tiny model, with its parts changed before they are written. */
  rebuilt(
    name: string,
    change: (file: GgufFile) => GgufFile,
    codes: readonly NativeErrorCode[],
    mentions?: RegExp,
    options: TinyModelOptions = healthy,
  ): void {
    this.bytes(name, writeGguf(change(tinyModelFile(options))).bytes, codes, mentions);
  }

  /** One key with another value; undefined leaves the key out. */
  key(
    name: string,
    key: string,
    value: GgufValue | undefined,
    codes: readonly NativeErrorCode[],
    mentions?: RegExp,
  ): void {
    this.rebuilt(name, (file) => withKey(file, key, value), codes, mentions);
  }

  /** One tensor changed; undefined leaves it out. */
  tensor(
    name: string,
    tensor: string,
    change: (tensor: GgufTensor) => GgufTensor | undefined,
    codes: readonly NativeErrorCode[],
    mentions?: RegExp,
  ): void {
    this.rebuilt(name, (file) => withTensor(file, tensor, change), codes, mentions);
  }

  /** A file that root can read, too, cannot be made unreadable. */
  unreadable(name: string, codes: readonly NativeErrorCode[]): void {
    if (process.platform !== 'win32' && process.getuid?.() !== 0) {
      const file = path.join(this.folder, 'unreadable.gguf');
      writeFileSync(file, this.written.bytes);
      chmodSync(file, 0);
      this.path(name, file, codes, /unreadable\.gguf/);
    }
  }
}

export function withKey(file: GgufFile, key: string, value: GgufValue | undefined): GgufFile {
  const others = file.metadata.filter(([name]) => name !== key);
  return { ...file, metadata: value ? [...others, [key, value]] : others };
}

export function withTensor(
  file: GgufFile,
  name: string,
  change: (tensor: GgufTensor) => GgufTensor | undefined,
): GgufFile {
  if (!file.tensors.some((tensor) => tensor.name === name)) {
    throw new Error(`the file has no tensor ${name}`);
  }
  const tensors = file.tensors.flatMap((tensor) => (tensor.name === name ? (change(tensor) ?? []) : tensor));
  return { ...file, tensors };
}
