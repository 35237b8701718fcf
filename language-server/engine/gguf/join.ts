/**
 * The parts of a split model as one file, as `llama-gguf-split --merge` makes it: the metadata of the first part without what
 * tells of the split, the tensors of all of them behind each other. The addon maps one file.
 */

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { EngineError, throwIfAborted } from '../../base/errors';
import { EndOfBytes, maxKeys, maxTensors, Reader, readStart, readTensor, readValue, type Values } from './parse';

export interface JoinOptions {
  readonly signal: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

interface Part {
  readonly handle: FileHandle;
  readonly size: number;
  readonly header: Buffer;
  readonly spans: Spans;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Spans {
  readonly version: number;
  readonly keys: readonly (Span & { readonly key: string })[];
  readonly tensors: readonly Span[];
  readonly dataStart: number;
  readonly split: { readonly part: number; readonly parts: number };
}

/** What `llama-gguf-split` takes; a first part with another alignment would not fit the later ones. */
const alignment = 32;
const offsetBytes = 8;
const pieceBytes = 1 << 20;
const maxHeaderBytes = 1 << 26;

/**
 * Whole or not at all: what is under way has another name.
 * @param files all parts, in order
 * @throws EngineError BAD_GGUF for parts that do not belong together, CANCELLED; the file system's errors
 */
export async function joinParts(files: readonly string[], target: string, options: JoinOptions): Promise<void> {
  const temporary = `${target}.joining`;
  const parts: Part[] = [];
  try {
    for (const file of files) {
      parts.push(await openPart(file));
    }
    requireWholeSplit(parts);
    await rm(temporary, { recursive: true, force: true });
    const out = await open(temporary, 'wx', 0o600);
    try {
      await write(out, parts, options);
      await out.sync();
    } finally {
      await out.close();
    }
    await rename(temporary, target);
  } finally {
    await Promise.all(parts.map(({ handle }) => handle.close()));
    await rm(temporary, { force: true });
  }
}

async function openPart(file: string): Promise<Part> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    for (let length = 1 << 18; ; length *= 4) {
      const header = await readAt(handle, 0, Math.min(length, size, maxHeaderBytes));
      const spans = spansOf(header);
      if (spans !== undefined) {
        return { handle, size, header, spans };
      }
      if (header.length === size || header.length === maxHeaderBytes) {
        throw bad(`${file} ends inside of its header`);
      }
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** undefined where more bytes are needed. */
function spansOf(bytes: Buffer): Spans | undefined {
  const reader = new Reader(bytes);
  const values: Values = { scalars: new Map(), lists: new Map(), lengths: new Map() };
  try {
    const version = readStart(reader);
    const tensorCount = reader.count('tensors', maxTensors);
    const keyCount = reader.count('keys', maxKeys);
    const span = (read: () => void) => {
      const start = reader.position;
      read();
      return { start, end: reader.position };
    };
    const keys = Array.from({ length: keyCount }, () => {
      let key = '';
      const where = span(() => {
        key = reader.text('a key', 1024);
        readValue(reader, key, values);
      });
      return { ...where, key };
    });
    const tensors = Array.from({ length: tensorCount }, () => span(() => readTensor(reader)));
    const used = values.scalars.get('general.alignment') ?? alignment;
    if (used !== alignment) {
      throw bad(`parts with an alignment of ${used} bytes cannot be joined`);
    }
    const number = (key: string) => Number(values.scalars.get(key) ?? Number.NaN);
    const split = { part: number('split.no') + 1, parts: number('split.count') };
    return { version, keys, tensors, dataStart: aligned(reader.position), split };
  } catch (error) {
    if (error instanceof EndOfBytes) {
      return undefined;
    }
    throw error;
  }
}

function requireWholeSplit(parts: readonly Part[]): void {
  for (const [index, { spans, size }] of parts.entries()) {
    const { part, parts: count } = spans.split;
    if (part !== index + 1 || count !== parts.length) {
      throw bad(`a file that should be part ${index + 1} of ${parts.length} says that it is part ${part} of ${count}`);
    }
    if (spans.dataStart > size) {
      throw bad(`part ${part} ends before its tensors`);
    }
  }
}

async function write(out: FileHandle, parts: readonly Part[], { signal, onProgress }: JoinOptions): Promise<void> {
  const header = headerOf(parts);
  await out.write(header);
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const { handle, size, spans } of parts) {
    for (let at = spans.dataStart; at < size; ) {
      throwIfAborted(signal);
      const piece = await readAt(handle, at, Math.min(pieceBytes, size - at));
      if (piece.length === 0) {
        throw bad('a part was cut while it was read');
      }
      await out.write(piece);
      at += piece.length;
      done += piece.length;
      onProgress?.(done / total);
    }
    await out.write(Buffer.alloc(aligned(size - spans.dataStart) - (size - spans.dataStart)));
  }
  onProgress?.(1);
}

function headerOf(parts: readonly Part[]): Buffer {
  const [first] = parts;
  if (first === undefined) {
    throw bad('there are no parts to join');
  }
  const keys = first.spans.keys.filter(({ key }) => !key.startsWith('split.'));
  const start = Buffer.alloc(24);
  start.write('GGUF', 0, 'latin1');
  start.writeUInt32LE(first.spans.version, 4);
  start.writeBigUInt64LE(BigInt(parts.reduce((sum, { spans }) => sum + spans.tensors.length, 0)), 8);
  start.writeBigUInt64LE(BigInt(keys.length), 16);
  const pieces = [start, ...keys.map(({ start: from, end }) => first.header.subarray(from, end))];
  let before = 0n;
  for (const { header, size, spans } of parts) {
    for (const { start: from, end } of spans.tensors) {
      const info = Buffer.from(header.subarray(from, end));
      const offset = info.readBigUInt64LE(info.length - offsetBytes) + before;
      info.writeBigUInt64LE(BigInt.asUintN(64, offset), info.length - offsetBytes);
      pieces.push(info);
    }
    before += BigInt(aligned(size - spans.dataStart));
  }
  const joined = Buffer.concat(pieces);
  return Buffer.concat([joined, Buffer.alloc(aligned(joined.length) - joined.length)]);
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  for (let count = -1; count !== 0 && filled < length; filled += count) {
    count = (await handle.read(bytes, filled, length - filled, offset + filled)).bytesRead;
  }
  return bytes.subarray(0, filled);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

function bad(what: string): EngineError {
  return new EngineError('BAD_GGUF', `The parts cannot be joined: ${what}.`);
}
