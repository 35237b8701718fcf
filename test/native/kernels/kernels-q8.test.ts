/** Focused attention on rows of q8_0: every instruction set against softmax attention over what the blocks say. */

import { describe, expect, test } from 'vitest';
import { loadKernels } from '../addon/kernels-addon';
import { at, attention } from '../addon/scalar-reference';
import { halfBits, halfValue } from '../tools/quantize';
import { Random } from '../tools/random';

const kernels = loadKernels();
const blockHalves = 17;

/** Rows of K and V blocks, and the same numbers as f16 rows (exact: a scale that is a power of two, 8-bit values). */
function someRows(random: Random, count: number, d: number) {
  const blocks = (2 * d) / 32;
  const packed = new Uint16Array(count * blocks * blockHalves);
  const plain = new Uint16Array(count * 2 * d);
  const bytes = new Int8Array(packed.buffer);
  for (let b = 0; b < count * blocks; b++) {
    const scale = 2 ** -(6 + random.below(4));
    packed[b * blockHalves] = halfBits(scale);
    for (let i = 0; i < 32; i++) {
      const value = random.below(255) - 127;
      bytes[2 * b * blockHalves + 2 + i] = value;
      plain[b * 32 + i] = halfBits(scale * value);
    }
  }
  return { packed, plain, stride: blocks * blockHalves };
}

describe.each(kernels.names())('%s', (name) => {
  test.each([
    ...[32, 64, 96, 128, 256].flatMap((d) => [1, 2, 3, 4, 7, 8].map((nQ) => ({ d, nQ, nChosen: 96 }))),
    ...[1, 2, 3, 5, 16, 17, 255].map((nChosen) => ({ d: 64, nQ: 3, nChosen })),
  ])('equals softmax attention on q8_0 rows: d $d, $nQ heads, $nChosen rows', ({ d, nQ, nChosen }) => {
    const random = new Random(d * nQ + nChosen);
    const { packed, plain, stride } = someRows(random, 3 * nChosen, d);
    const chosen = Int32Array.from({ length: nChosen }, (_, i) => 3 * i + random.below(3));
    const q = random.normals(nQ * d, 0.5);
    const scale = 1 / Math.sqrt(d);
    const out = new Float32Array(nQ * d + 1).fill(77);
    kernels.facQ8(name, q, nQ, d, packed, stride, chosen, nChosen, scale, new Float32Array(nQ * nChosen), out);
    for (let h = 0; h < nQ; h++) {
      const exact = attention(q.subarray(h * d, (h + 1) * d), plain, 2 * d, [...chosen], scale);
      exact.forEach((value, i) => {
        expect(Math.abs(at(out, h * d + i) - value)).toBeLessThan(4e-6);
      });
    }
    expect(out[nQ * d]).toBe(77);
  });

  test('handles every scale: zero, subnormal, infinite, NaN', () => {
    const { packed, stride } = someRows(new Random(1), 8, 64);
    const scales = [0, 2 ** -24, Number.POSITIVE_INFINITY, Number.NaN];
    scales.forEach((scale, row) => {
      for (let b = 0; b < 4; b++) {
        packed[row * stride + b * blockHalves] = halfBits(scale);
      }
    });
    expect(halfValue(at(packed, stride))).toBe(2 ** -24);
    const out = new Float32Array(64);
    const q = new Random(2).normals(64, 1);
    const finite = Int32Array.of(0, 1, 4, 5, 6, 7);
    kernels.facQ8(name, q, 1, 64, packed, stride, finite, 6, 1 / 8, new Float32Array(6), out);
    expect(out.every(Number.isFinite)).toBe(true);
    const all = Int32Array.from({ length: 8 }, (_, i) => i);
    kernels.facQ8(name, q, 1, 64, packed, stride, all, 8, 1 / 8, new Float32Array(8), out);
    kernels.facQ8(name, q, 1, 64, packed, stride, all, 0, 1 / 8, new Float32Array(1), out);
    expect([...out]).toEqual(new Array(64).fill(0));
  });
});
