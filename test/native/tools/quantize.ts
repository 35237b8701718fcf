/**
 * Encoders from floats to the tensor types of GGUF that the tests use. Plain round to nearest: the tests compare two
 * readers of the same bytes, so the quality of the quantization does not matter, only that the bytes are valid.
 */

export type TensorType = 'f32' | 'f16' | 'q4_0' | 'q4_1' | 'q8_0' | 'q4_k' | 'q6_k';

interface TensorFormat {
  /** Its number in a GGUF file. */
  readonly id: number;
  /** Values of a block; a row holds whole blocks. */
  readonly blockValues: number;
  readonly blockBytes: number;
  encode(values: Float32Array, bytes: DataView, offset: number): void;
}

const floatScratch = new Float32Array(1);
const floatBits = new Uint32Array(floatScratch.buffer);

/** IEEE half precision, round to nearest even; subnormals, infinities and NaN included. */
export function halfBits(value: number): number {
  floatScratch[0] = value;
  const bits = floatBits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) {
    return sign | 0x7c00 | (fraction ? 0x200 : 0);
  }
  const magnitude = exponent - 127 + 15;
  if (magnitude >= 31) {
    return sign | 0x7c00;
  }
  // Below the normal range the hidden bit becomes explicit and the fraction moves right.
  const whole = magnitude > 0 ? (magnitude << 23) | fraction : fraction | 0x800000;
  const drop = magnitude > 0 ? 13 : 14 - magnitude;
  if (drop > 24) {
    return sign;
  }
  const kept = whole >>> drop;
  const rest = whole & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  return sign | (rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept);
}

export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) {
    return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  }
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
}

/** Writes a half and returns the value that a reader will see. */
function putHalf(bytes: DataView, offset: number, value: number): number {
  const bits = halfBits(value);
  bytes.setUint16(offset, bits, true);
  return halfValue(bits);
}

function code(value: number, scale: number, least: number, most: number): number {
  const nearest = scale === 0 ? 0 : Math.round(value / scale);
  return Math.min(most, Math.max(least, nearest));
}

function range(values: Float32Array): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}

const at = (values: Float32Array, index: number): number => values[index] ?? 0;

/** 4-bit codes of 32 values: value i in the low half of byte i, value i + 16 in the high half. */
function putNibbles(bytes: DataView, offset: number, codeOf: (index: number) => number): void {
  for (let i = 0; i < 16; i++) {
    bytes.setUint8(offset + i, codeOf(i) | (codeOf(i + 16) << 4));
  }
}

/** Super-block of 8 x 32: value = d * scale * code - dmin * minimum, scale and minimum in 6 bits. */
function encodeQ4K(values: Float32Array, bytes: DataView, offset: number): void {
  const scales = new Float32Array(8);
  const minima = new Float32Array(8);
  for (let block = 0; block < 8; block++) {
    const [least, most] = range(values.subarray(32 * block, 32 * block + 32));
    const minimum = Math.max(0, -least);
    minima[block] = minimum;
    scales[block] = Math.max(0, most + minimum) / 15;
  }
  const d = putHalf(bytes, offset, range(scales)[1] / 63);
  const dmin = putHalf(bytes, offset + 2, range(minima)[1] / 63);
  const scaleCode = (block: number): number => code(at(scales, block), d, 0, 63);
  const minimumCode = (block: number): number => code(at(minima, block), dmin, 0, 63);
  for (let block = 0; block < 4; block++) {
    // Blocks 0 to 3 own the low 6 bits of a byte each; its two high bits go to block + 4.
    bytes.setUint8(offset + 4 + block, scaleCode(block) | ((scaleCode(block + 4) >> 4) << 6));
    bytes.setUint8(offset + 8 + block, minimumCode(block) | ((minimumCode(block + 4) >> 4) << 6));
    bytes.setUint8(offset + 12 + block, (scaleCode(block + 4) & 15) | ((minimumCode(block + 4) & 15) << 4));
  }
  const quant = (index: number): number => {
    const block = index >> 5;
    return code(at(values, index) + dmin * minimumCode(block), d * scaleCode(block), 0, 15);
  };
  for (let i = 0; i < 128; i++) {
    const low = 64 * (i >> 5) + (i & 31);
    bytes.setUint8(offset + 16 + i, quant(low) | (quant(low + 32) << 4));
  }
}

/** Super-block of 16 x 16: value = d * scale * (code - 32), 6-bit codes, 8-bit scales; d comes last. */
function encodeQ6K(values: Float32Array, bytes: DataView, offset: number): void {
  const scales = new Float32Array(16);
  for (let block = 0; block < 16; block++) {
    const [least, most] = range(values.subarray(16 * block, 16 * block + 16));
    scales[block] = Math.max(-least, most) / 31;
  }
  const d = putHalf(bytes, offset + 208, range(scales)[1] / 127);
  const scaleCode = (block: number): number => code(at(scales, block), d, 0, 127);
  for (let block = 0; block < 16; block++) {
    bytes.setInt8(offset + 192 + block, scaleCode(block));
  }
  const quant = (index: number): number => 32 + code(at(values, index), d * scaleCode(index >> 4), -32, 31);
  for (let half = 0; half < 2; half++) {
    for (let i = 0; i < 32; i++) {
      const [q0, q1, q2, q3] = [0, 32, 64, 96].map((step) => quant(128 * half + step + i)) as [
        number,
        number,
        number,
        number,
      ];
      bytes.setUint8(offset + 64 * half + i, (q0 & 15) | ((q2 & 15) << 4));
      bytes.setUint8(offset + 64 * half + 32 + i, (q1 & 15) | ((q3 & 15) << 4));
      bytes.setUint8(offset + 128 + 32 * half + i, (q0 >> 4) | ((q1 >> 4) << 2) | ((q2 >> 4) << 4) | ((q3 >> 4) << 6));
    }
  }
}

export const tensorFormats: Readonly<Record<TensorType, TensorFormat>> = {
  f32: {
    id: 0,
    blockValues: 1,
    blockBytes: 4,
    encode: (values, bytes, offset) => bytes.setFloat32(offset, at(values, 0), true),
  },
  f16: {
    id: 1,
    blockValues: 1,
    blockBytes: 2,
    encode: (values, bytes, offset) => bytes.setUint16(offset, halfBits(at(values, 0)), true),
  },
  q4_0: {
    id: 2,
    blockValues: 32,
    blockBytes: 18,
    encode(values, bytes, offset) {
      const [least, most] = range(values);
      const d = putHalf(bytes, offset, (-least > most ? least : most) / -8);
      putNibbles(bytes, offset + 2, (i) => 8 + code(at(values, i), d, -8, 7));
    },
  },
  q4_1: {
    id: 3,
    blockValues: 32,
    blockBytes: 20,
    encode(values, bytes, offset) {
      const [least, most] = range(values);
      const d = putHalf(bytes, offset, (most - least) / 15);
      const minimum = putHalf(bytes, offset + 2, least);
      putNibbles(bytes, offset + 4, (i) => code(at(values, i) - minimum, d, 0, 15));
    },
  },
  q8_0: {
    id: 8,
    blockValues: 32,
    blockBytes: 34,
    encode(values, bytes, offset) {
      const [least, most] = range(values);
      const d = putHalf(bytes, offset, Math.max(-least, most) / 127);
      values.forEach((value, i) => {
        bytes.setInt8(offset + 2 + i, code(value, d, -127, 127));
      });
    },
  },
  q4_k: { id: 12, blockValues: 256, blockBytes: 144, encode: encodeQ4K },
  q6_k: { id: 14, blockValues: 256, blockBytes: 210, encode: encodeQ6K },
};

/** @throws RangeError when the values are no whole number of blocks. */
export function encodeTensor(type: TensorType, values: Float32Array): Uint8Array {
  const format = tensorFormats[type];
  const blocks = values.length / format.blockValues;
  if (!Number.isInteger(blocks)) {
    throw new RangeError(`${values.length} values are no whole number of ${type} blocks`);
  }
  const bytes = new Uint8Array(blocks * format.blockBytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const from = block * format.blockValues;
    format.encode(values.subarray(from, from + format.blockValues), view, block * format.blockBytes);
  }
  return bytes;
}
