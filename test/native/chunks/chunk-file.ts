/** A chunk file as docs/chunk-files.md describes it, read and cut from outside. */

const headerHashOffset = 184;
const fileAlign = 4096;
const pageTokens = 128;

export class ChunkFile {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = Buffer.from(bytes);
  }

  get tokens(): number {
    return this.#bytes.readUInt32LE(112);
  }

  /** One byte each of the importance keys, the gap before the rows is none of anybody's, and of the rows: first and last. */
  places(): number[] {
    const [pages, rows] = [this.#section(0), this.#section(1)];
    return [pages.offset, pages.offset + pages.length - 1, rows.offset, rows.offset + rows.length - 1];
  }

  largestDifference(other: ChunkFile): number {
    const [a, b] = [this.#rows(), other.#rows()];
    return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
  }

  largestValue(): number {
    return this.#rows().reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  }

  /** The file of some of the tokens, whole pages of the first of them on: the same keys and values, under another address. */
  slice(firstPage: number, tokens: number, address: string): Buffer {
    const [pages, rows] = [this.#section(0), this.#section(1)];
    const [ours, wanted] = [Math.ceil(this.tokens / pageTokens), Math.ceil(tokens / pageTokens)];
    const heads = this.#bytes.readUInt32LE(96) * this.#bytes.readUInt32LE(100);
    const [pageBytes, rowBytes] = [this.#bytes.readUInt32LE(120), this.#bytes.readUInt32LE(124)];
    const parts = (offset: number, of: number, from: number, count: number, bytes: number) =>
      Buffer.concat(
        Array.from({ length: heads }, (_, head) => {
          const at = offset + (head * of + from) * bytes;
          return this.#bytes.subarray(at, at + count * bytes);
        }),
      );
    const keys = parts(pages.offset, ours, firstPage, wanted, pageBytes);
    const cut = parts(rows.offset, this.tokens, firstPage * pageTokens, tokens, rowBytes);
    const rowsOffset = Math.ceil((pages.offset + keys.length) / fileAlign) * fileAlign;
    const bytes = Buffer.alloc(rowsOffset + cut.length);
    this.#bytes.copy(bytes, 0, 0, 192);
    bytes.fill(0, 32, 96).write(address, 32);
    bytes.writeUInt32LE(tokens, 112);
    for (const [i, value] of [pages.offset, keys.length, rowsOffset, cut.length, bytes.length].entries()) {
      bytes.writeBigUInt64LE(BigInt(value), 128 + 8 * i);
    }
    keys.copy(bytes, pages.offset);
    cut.copy(bytes, rowsOffset);
    return new ChunkFile(bytes).sealed();
  }

  /** With checksums that are right again. */
  sealed(): Buffer {
    const bytes = Buffer.from(this.#bytes);
    for (const i of [0, 1] as const) {
      const { offset, length } = this.#section(i);
      bytes.writeBigUInt64LE(xxh64(bytes.subarray(offset, offset + length)), 168 + 8 * i);
    }
    bytes.writeBigUInt64LE(xxh64(bytes.subarray(0, headerHashOffset)), headerHashOffset);
    return bytes;
  }

  #section(i: 0 | 1): { readonly offset: number; readonly length: number } {
    const at = 128 + 16 * i;
    return { offset: Number(this.#bytes.readBigUInt64LE(at)), length: Number(this.#bytes.readBigUInt64LE(at + 8)) };
  }

  #rows(): Float64Array {
    const { offset, length } = this.#section(1);
    return Float64Array.from({ length: length / 2 }, (_, i) => this.#half(offset + 2 * i));
  }

  #half(at: number): number {
    const bits = this.#bytes.readUInt16LE(at);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits & 0x8000 ? -size : size;
  }
}

const mask = (1n << 64n) - 1n;
const primes = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const [p1, p2, p3, p4, p5] = primes as [bigint, bigint, bigint, bigint, bigint];
const rotate = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & mask;
const round = (acc: bigint, lane: bigint) => (rotate((acc + lane * p2) & mask, 31n) * p1) & mask;

/** XXH64 with seed 0, by its specification. */
function xxh64(bytes: Buffer): bigint {
  let at = 0;
  let h = p5;
  if (bytes.length >= 32) {
    const acc = [(p1 + p2) & mask, p2, 0n, -p1 & mask];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) {
        acc[i] = round(acc[i] ?? 0n, bytes.readBigUInt64LE(at + 8 * i));
      }
    }
    const [a, b, c, d] = acc as [bigint, bigint, bigint, bigint];
    h = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & mask;
    for (const one of acc) {
      h = ((h ^ round(0n, one)) * p1 + p4) & mask;
    }
  }
  h = (h + BigInt(bytes.length)) & mask;
  for (; at + 8 <= bytes.length; at += 8) {
    h = (rotate(h ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * p1 + p4) & mask;
  }
  if (at + 4 <= bytes.length) {
    h = (rotate(h ^ ((BigInt(bytes.readUInt32LE(at)) * p1) & mask), 23n) * p2 + p3) & mask;
    at += 4;
  }
  for (; at < bytes.length; at++) {
    h = (rotate(h ^ ((BigInt(bytes[at] ?? 0) * p5) & mask), 11n) * p1) & mask;
  }
  h = ((h ^ (h >> 33n)) * p2) & mask;
  h = ((h ^ (h >> 29n)) * p3) & mask;
  return h ^ (h >> 32n);
}
