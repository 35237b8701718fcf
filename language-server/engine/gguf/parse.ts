/**
 * The header of a GGUF file, from its first bytes. The file may be anybody's: every count is bounded, every length is
 * compared with the bytes that are there, and a list of a vocabulary is walked over and not kept.
 */

import { EngineError } from '../../base/errors';

export type GgufScalar = string | number | boolean;

/** What the first bytes of a file say. */
export interface ParsedHeader {
  readonly version: number;
  readonly tensorCount: number;
  readonly scalars: ReadonlyMap<string, GgufScalar>;
  /** Short lists of numbers, such as a count for each layer. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
  /** Lengths of all lists, those that are not kept as well. */
  readonly lengths: ReadonlyMap<string, number>;
  readonly tensors: TensorSummary;
  /** The key that the bytes end at; `tensors` after the last one; undefined for a whole header. */
  readonly endsAt: string | undefined;
}

export interface TensorSummary {
  readonly parameters: number;
  /** Weights of each ggml type, by its number. */
  readonly perType: ReadonlyMap<number, number>;
}

// The native reader's limits: far above any real model, far below what could exhaust memory.
export const maxKeys = 4096;
export const maxTensors = 65_536;
const maxKeyBytes = 1024;
const maxNameBytes = 256;
const maxDimensions = 4;
/** Elements of a list that is kept. */
const maxKeptList = 1024;
/** Bytes of a text that is kept. */
const maxKeptText = 1 << 20;

const types = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  text: 8,
  list: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** Bytes of one scalar, by its type's number; none for texts and lists. */
const scalarBytes: Readonly<Record<number, number>> = {
  [types.u8]: 1,
  [types.i8]: 1,
  [types.bool]: 1,
  [types.u16]: 2,
  [types.i16]: 2,
  [types.u32]: 4,
  [types.i32]: 4,
  [types.f32]: 4,
  [types.u64]: 8,
  [types.i64]: 8,
  [types.f64]: 8,
};

/** The bytes end here, and the file does not. */
export class EndOfBytes extends Error {}

/**
 * @param bytes the start of the file
 * @param isWhole they are all of it
 * @throws EngineError NOT_GGUF, BAD_GGUF, UNSUPPORTED_MODEL for a byte order or a version that is not read
 */
export function parseHeader(bytes: Uint8Array, isWhole: boolean): ParsedHeader {
  const reader = new Reader(bytes);
  const scalars = new Map<string, GgufScalar>();
  const lists = new Map<string, readonly number[]>();
  const lengths = new Map<string, number>();
  const perType = new Map<number, number>();
  const header = { version: 0, tensorCount: 0, scalars, lists, lengths };
  let parameters = 0;
  let endsAt: string | undefined = 'the start';
  try {
    header.version = readStart(reader);
    header.tensorCount = reader.count('tensors', maxTensors);
    const keys = reader.count('keys', maxKeys);
    for (let i = 0; i < keys; i++) {
      endsAt = 'a key';
      const key = reader.text('a key', maxKeyBytes);
      endsAt = key;
      readValue(reader, key, header);
    }
    endsAt = 'tensors';
    for (let i = 0; i < header.tensorCount; i++) {
      const { type, elements } = readTensor(reader);
      parameters += elements;
      perType.set(type, (perType.get(type) ?? 0) + elements);
    }
    endsAt = undefined;
  } catch (error) {
    if (!(error instanceof EndOfBytes)) {
      throw error;
    }
    if (isWhole) {
      throw bad(`ends inside of its header, at byte ${bytes.length}`);
    }
  }
  return { ...header, tensors: { parameters, perType }, endsAt };
}

/** Magic and version. @throws EngineError NOT_GGUF, UNSUPPORTED_MODEL */
export function readStart(reader: Reader): number {
  const magic = reader.latin1(4);
  if (magic === 'FUGG') {
    throw bigEndian();
  }
  if (magic !== 'GGUF') {
    throw new EngineError('NOT_GGUF', `is no GGUF file${describeStart(reader)}`);
  }
  const version = reader.number(types.u32);
  if (version > 0 && (version & 0xffff) === 0) {
    throw bigEndian();
  }
  if (version === 1) {
    throw unsupported('is of GGUF version 1, which was replaced in 2023: get a newer file of the model');
  }
  if (version < 2 || version > 3) {
    throw unsupported(`is of GGUF version ${version}, and versions 2 and 3 are read`);
  }
  return version;
}

/** What people have downloaded instead, where it shows in the first bytes. */
function describeStart(reader: Reader): string {
  const start = reader.start(64).trimStart().toLowerCase();
  if (start.startsWith('<!doctype') || start.startsWith('<html')) {
    return ': it is a web page';
  }
  return start.startsWith('version https://git-lfs')
    ? ': it is the pointer to a large file (Git LFS), not the file'
    : '';
}

export interface Values {
  readonly scalars: Map<string, GgufScalar>;
  readonly lists: Map<string, readonly number[]>;
  readonly lengths: Map<string, number>;
}

export function readValue(reader: Reader, key: string, into: Values): void {
  const type = reader.number(types.u32);
  if (type === types.text) {
    const text = reader.longText(`the value of ${key}`, maxKeptText);
    if (text !== undefined) {
      into.scalars.set(key, text);
    }
    return;
  }
  if (type !== types.list) {
    into.scalars.set(key, type === types.bool ? reader.number(types.u8) !== 0 : reader.number(type, key));
    return;
  }
  const of = reader.number(types.u32);
  const length = reader.size(`the list ${key}`);
  into.lengths.set(key, length);
  if (of === types.text) {
    for (let i = 0; i < length; i++) {
      reader.skip(reader.size(`a text of ${key}`));
    }
    return;
  }
  const each = scalarBytes[of];
  if (each === undefined) {
    throw bad(`has a list of the unknown type ${of} (${key})`);
  }
  if (length > maxKeptList) {
    reader.skip(length * each);
    return;
  }
  into.lists.set(
    key,
    Array.from({ length }, () => reader.number(of)),
  );
}

/** Its last eight bytes are its offset. */
export function readTensor(reader: Reader): { readonly type: number; readonly elements: number } {
  reader.text("a tensor's name", maxNameBytes);
  const dimensions = reader.number(types.u32);
  if (dimensions === 0 || dimensions > maxDimensions) {
    throw bad(`has a tensor of ${dimensions} dimensions`);
  }
  let elements = 1;
  for (let i = 0; i < dimensions; i++) {
    elements *= reader.size("a tensor's shape");
  }
  if (!Number.isSafeInteger(elements)) {
    throw bad('has a tensor of an impossible shape');
  }
  const type = reader.number(types.u32);
  reader.skip(8);
  return { type, elements };
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) {
      throw new EndOfBytes();
    }
    this.#at += count;
    return at;
  }

  /** Of the next byte. */
  get position(): number {
    return this.#at;
  }

  skip(count: number): void {
    this.#take(count);
  }

  latin1(count: number): string {
    const at = this.#take(count);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, count).toString('latin1');
  }

  /** The first bytes, as far as they are there. */
  start(count: number): string {
    return Buffer.from(this.#bytes.subarray(0, count)).toString('latin1');
  }

  number(type: number, key = 'a key'): number {
    const bytes = scalarBytes[type];
    if (bytes === undefined) {
      throw bad(`has a value of the unknown type ${type} (${key})`);
    }
    const at = this.#take(bytes);
    const view = this.#view;
    switch (type) {
      case types.u8:
        return view.getUint8(at);
      case types.i8:
        return view.getInt8(at);
      case types.u16:
        return view.getUint16(at, true);
      case types.i16:
        return view.getInt16(at, true);
      case types.u32:
        return view.getUint32(at, true);
      case types.i32:
        return view.getInt32(at, true);
      case types.f32:
        return view.getFloat32(at, true);
      case types.u64:
        return Number(view.getBigUint64(at, true));
      case types.i64:
        return Number(view.getBigInt64(at, true));
      case types.f64:
        return view.getFloat64(at, true);
      default:
        return view.getUint8(at);
    }
  }

  /** A length, a count or a dimension of 64 bits. */
  size(what: string): number {
    const value = this.number(types.u64);
    if (!Number.isSafeInteger(value)) {
      throw bad(`has an impossible size (${what})`);
    }
    return value;
  }

  count(what: string, max: number): number {
    const value = this.size(what);
    if (value > max) {
      throw bad(`claims to have ${value} ${what}, and at most ${max} are read`);
    }
    return value;
  }

  text(what: string, max: number): string {
    const length = this.size(what);
    if (length > max) {
      throw bad(`has ${what} of ${length} bytes, and at most ${max} are read`);
    }
    const at = this.#take(length);
    return utf8.decode(this.#bytes.subarray(at, at + length));
  }

  /** undefined for one that is too long to keep. */
  longText(what: string, max: number): string | undefined {
    const length = this.size(what);
    const at = this.#take(length);
    return length > max ? undefined : utf8.decode(this.#bytes.subarray(at, at + length));
  }
}

const utf8 = new TextDecoder('utf-8');

/** @param what the end of a sentence that begins with the file */
function bad(what: string): EngineError {
  return new EngineError('BAD_GGUF', what);
}

function unsupported(what: string): EngineError {
  return new EngineError('UNSUPPORTED_MODEL', what);
}

function bigEndian(): EngineError {
  return unsupported('is big-endian, for machines of another byte order: get the little-endian file of the model');
}
