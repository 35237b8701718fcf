/**
 * Writes GGUF version 3 files (little endian) and says at which byte each field lies, so that a test can damage one.
 * Layout: magic, version, counts, metadata, tensor infos, padding, tensor data (each tensor aligned).
 */

const valueTypes = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

type NumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'u64' | 'i64' | 'f64';

export type GgufValue =
  | { readonly type: NumberType; readonly value: number | bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'array'; readonly of: NumberType; readonly value: readonly (number | bigint)[] }
  | { readonly type: 'array'; readonly of: 'bool'; readonly value: readonly boolean[] }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] };

export interface GgufTensor {
  readonly name: string;
  /** Row length first, as ggml counts. */
  readonly shape: readonly number[];
  /** The number of the tensor type in the file. */
  readonly typeId: number;
  readonly data: Uint8Array;
}

export interface GgufFile {
  /** In the order of the file; a list, so that a test can name a key twice. */
  readonly metadata: readonly (readonly [key: string, value: GgufValue])[];
  readonly tensors: readonly GgufTensor[];
  /** Bytes; default 32. Not written as metadata by itself. */
  readonly alignment?: number;
}

/** The fields of a written file, by name: `version`, `metadataCount`, `KEY/type`, `TENSOR/offset`, `TENSOR/data`... */
type GgufLayout = ReadonlyMap<string, number>;

export interface WrittenGguf {
  readonly bytes: Uint8Array;
  readonly layout: GgufLayout;
  /** Where tensor data begins. */
  readonly dataStart: number;
}

interface NumberFormat {
  readonly bytes: number;
  put(view: DataView, offset: number, value: number | bigint): void;
}

const numberFormats: Readonly<Record<NumberType, NumberFormat>> = {
  u8: { bytes: 1, put: (view, offset, value) => view.setUint8(offset, Number(value)) },
  i8: { bytes: 1, put: (view, offset, value) => view.setInt8(offset, Number(value)) },
  u16: { bytes: 2, put: (view, offset, value) => view.setUint16(offset, Number(value), true) },
  i16: { bytes: 2, put: (view, offset, value) => view.setInt16(offset, Number(value), true) },
  u32: { bytes: 4, put: (view, offset, value) => view.setUint32(offset, Number(value), true) },
  i32: { bytes: 4, put: (view, offset, value) => view.setInt32(offset, Number(value), true) },
  f32: { bytes: 4, put: (view, offset, value) => view.setFloat32(offset, Number(value), true) },
  u64: { bytes: 8, put: (view, offset, value) => view.setBigUint64(offset, BigInt(value), true) },
  i64: { bytes: 8, put: (view, offset, value) => view.setBigInt64(offset, BigInt(value), true) },
  f64: { bytes: 8, put: (view, offset, value) => view.setFloat64(offset, Number(value), true) },
};

class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #room(count: number): number {
    const offset = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return offset;
  }

  number(type: NumberType, value: number | bigint): void {
    const { bytes, put } = numberFormats[type];
    // Before the view is read: making room may replace it.
    const offset = this.#room(bytes);
    put(this.#view, offset, value);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.number('u64', bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    const offset = this.#room(bytes.length);
    this.#bytes.set(bytes, offset);
  }

  align(alignment: number): void {
    this.#room((alignment - (this.length % alignment)) % alignment);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}

function writeValue(out: ByteWriter, mark: (field: string) => void, value: GgufValue): void {
  mark('type');
  out.number('u32', valueTypes[value.type]);
  if (value.type === 'array') {
    mark('of');
    out.number('u32', valueTypes[value.of]);
    mark('length');
    out.number('u64', value.value.length);
    mark('value');
    for (const item of value.value) {
      writeScalar(out, { type: value.of, value: item } as GgufValue);
    }
    return;
  }
  mark('value');
  writeScalar(out, value);
}

function writeScalar(out: ByteWriter, value: GgufValue): void {
  if (value.type === 'array') {
    throw new TypeError('GGUF arrays do not nest');
  }
  if (value.type === 'bool') {
    out.number('u8', value.value ? 1 : 0);
  } else if (value.type === 'string') {
    out.string(value.value);
  } else {
    out.number(value.type, value.value);
  }
}

export function writeGguf(file: GgufFile): WrittenGguf {
  const alignment = file.alignment ?? 32;
  const out = new ByteWriter();
  const layout = new Map<string, number>();
  const mark = (field: string): void => {
    layout.set(field, out.length);
  };
  mark('magic');
  out.raw(new TextEncoder().encode('GGUF'));
  mark('version');
  out.number('u32', 3);
  mark('tensorCount');
  out.number('u64', file.tensors.length);
  mark('metadataCount');
  out.number('u64', file.metadata.length);
  for (const [key, value] of file.metadata) {
    mark(`${key}/key`);
    out.string(key);
    writeValue(out, (field) => mark(`${key}/${field}`), value);
  }
  const offsets: number[] = [];
  let dataLength = 0;
  for (const tensor of file.tensors) {
    offsets.push(dataLength);
    dataLength += Math.ceil(tensor.data.length / alignment) * alignment;
    mark(`${tensor.name}/name`);
    out.string(tensor.name);
    mark(`${tensor.name}/dimensions`);
    out.number('u32', tensor.shape.length);
    mark(`${tensor.name}/shape`);
    for (const size of tensor.shape) {
      out.number('u64', size);
    }
    mark(`${tensor.name}/type`);
    out.number('u32', tensor.typeId);
    mark(`${tensor.name}/offset`);
    out.number('u64', offsets.at(-1) ?? 0);
  }
  mark('infoEnd');
  out.align(alignment);
  const dataStart = out.length;
  file.tensors.forEach((tensor, index) => {
    layout.set(`${tensor.name}/data`, dataStart + (offsets[index] ?? 0));
    out.raw(tensor.data);
    out.align(alignment);
  });
  return { bytes: out.done(), layout, dataStart };
}
