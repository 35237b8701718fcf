/** From scores to the choice of tokens, in every instruction set of this CPU, against scalar-reference.ts. */

import { describe, expect, test } from 'vitest';
import { loadKernels, PAGE_TOKENS } from '../addon/kernels-addon';
import { at, decodePage, groupSoftmax, largest } from '../addon/scalar-reference';
import { halfBits, halfValue } from '../tools/quantize';
import { Random } from '../tools/random';

const kernels = loadKernels();

function importance(name: string, scores: Float32Array, stride: number, nQ: number, n: number): Float32Array {
  const out = new Float32Array(n + 1).fill(77);
  kernels.importance(name, scores.slice(), stride, nQ, n, out); // it uses them up
  expect(out[n]).toBe(77);
  return out.subarray(0, n);
}

/** The scratch and the result get a mark behind them, which must stay. */
function topK(name: string, values: Float32Array, begin: number, end: number, count: number): number[] {
  const bytes = kernels.topKScratchBytes(end - begin);
  const scratch = new Uint8Array(bytes + 64).fill(0xa5);
  const written = Math.max(0, Math.min(count, end - begin));
  const chosen = new Int32Array(written + 1).fill(-77);
  kernels.topK(name, values, begin, end, count, chosen, scratch);
  expect(chosen[written]).toBe(-77);
  expect(scratch.subarray(bytes).every((byte) => byte === 0xa5)).toBe(true);
  return [...chosen.subarray(0, written)];
}

describe.each(kernels.names())('%s', (name) => {
  const sizes = [1, 5, 15, 16, 17, 31, 33, 128, 1000, 4099];
  test.each(sizes.flatMap((n) => [1, 3, 8].map((nQ) => ({ n, nQ }))))(
    'importance is the sum of softmax: $n tokens, $nQ heads',
    ({ n, nQ }) => {
      const random = new Random(n * 10 + nQ);
      const stride = n + 7;
      const scores = new Float32Array(nQ * stride).fill(1e9);
      const heads = Array.from({ length: nQ }, (_, h) => {
        const head = random.normals(n, 1 + 3 * h, 40 * (h - 2));
        scores.set(head, h * stride);
        return [...head];
      });
      const result = importance(name, scores, stride, nQ, n);
      groupSoftmax(heads).forEach((value, i) => {
        // an exponential within 8e-5, over a sum of such
        expect(Math.abs(at(result, i) - value)).toBeLessThanOrEqual(1.6e-4 * value + 1e-30);
      });
      expect(result.reduce((a, b) => a + b, 0)).toBeCloseTo(nQ, 4);
    },
  );

  test('scores that are masked or not finite have no importance and do not affect others', () => {
    const scores = new Float32Array(3 * 40).fill(Number.NEGATIVE_INFINITY);
    scores[3] = 1;
    scores[4] = 1;
    scores[5] = Number.NaN;
    scores.fill(Number.NaN, 80);
    const result = importance(name, scores, 40, 3, 40);
    expect(result[3]).toBeCloseTo(0.5, 6);
    expect(result[4]).toBeCloseTo(0.5, 6);
    expect([...result].every((value, i) => i === 3 || i === 4 || value === 0)).toBe(true);
    expect([...importance(name, new Float32Array(20).fill(Infinity), 20, 1, 20)].some(Number.isNaN)).toBe(false);
  });

  const cases: { title: string; make: (random: Random, i: number) => number }[] = [
    { title: 'normal', make: (random) => random.normal() },
    { title: 'peaked, as importance is', make: (random) => Math.exp(6 * random.normal()) },
    { title: 'rising', make: (_, i) => i },
    { title: 'falling', make: (_, i) => -i },
    { title: 'all equal', make: () => 0.25 },
    { title: 'two values', make: (random) => random.below(2) },
    { title: 'few values of both signs', make: (random) => random.below(7) - 3 },
    { title: 'zeros of both signs', make: (random) => (random.below(2) ? 0 : -0) },
    { title: 'nearly equal', make: (random) => 1 + random.below(4) * 2 ** -23 },
    { title: 'subnormal', make: (random) => random.below(100) * 2 ** -149 },
    { title: 'with infinities', make: (random) => [Infinity, -Infinity, random.normal()][random.below(3)] ?? 0 },
    { title: 'with NaN', make: (random) => (random.below(3) ? random.normal() : Number.NaN) },
    { title: 'all NaN', make: () => Number.NaN },
    { title: 'all -infinity', make: () => -Infinity },
  ];
  test.each(cases)('selects the best of values: $title', ({ make }) => {
    const random = new Random(11);
    for (const n of [1, 2, 7, 16, 17, 63, 129, 1000, 5000]) {
      const begin = random.below(9);
      const values = Float32Array.from({ length: begin + n + 4 }, (_, i) =>
        i < begin || i >= begin + n ? 1e30 : make(random, i),
      );
      for (const count of [0, 1, 2, 15, 64, n - 1, n, n + 5]) {
        expect(topK(name, values, begin, begin + n, count)).toEqual(largest(values, begin, begin + n, count));
      }
    }
  });

  test('selects nothing from an empty or reversed range, or when fewer than one is wanted', () => {
    const values = new Float32Array(10).fill(1);
    expect(topK(name, values, 4, 4, 3)).toEqual([]);
    const chosen = new Int32Array(4).fill(-77);
    kernels.topK(name, values, 6, 2, 3, chosen, new Uint8Array(4096));
    kernels.topK(name, values, 0, 9, -3, chosen, new Uint8Array(4096));
    expect([...chosen]).toEqual([-77, -77, -77, -77]);
  });

  test.each([
    { d: 64, nQ: 3, pages: 16, open: 37, budget: 256 },
    { d: 128, nQ: 4, pages: 9, open: 0, budget: 128 },
    { d: 80, nQ: 7, pages: 3, open: 127, budget: 64 },
  ])(
    'the choice over pages and open rows is the brute-force one: d $d, $nQ heads',
    ({ d, nQ, pages, open, budget }) => {
      const random = new Random(d);
      const n = pages * PAGE_TOKENS + open;
      const nChannels = d / 2;
      const channels = Int32Array.from({ length: nChannels }, (_, i) => 2 * i);
      const keys = Uint16Array.from(random.normals(n * d, 1), halfBits);
      const q = random.normals(nQ * nChannels, 2 / Math.sqrt(d));
      const scores = new Float32Array(nQ * n);
      const exact: number[][] = Array.from({ length: nQ }, () => []);
      const query = (h: number, key: (channel: number) => number) =>
        Array.from({ length: nChannels }, (_, c) => at(q, h * nChannels + c) * key(c)).reduce((a, b) => a + b, 0);
      for (let p = 0; p < pages; p++) {
        const page = new Uint8Array(kernels.pageBytes(nChannels));
        kernels.pageEncode(name, keys.subarray(p * PAGE_TOKENS * d), d, channels, nChannels, p === 0 ? 1 : 0, page);
        kernels.tipPage(name, q, nQ, nChannels, page, 0, scores.subarray(p * PAGE_TOKENS), n);
        const decoded = decodePage(page, nChannels);
        for (let h = 0; h < nQ; h++) {
          for (const row of decoded.key) exact[h]?.push(query(h, (c) => at(row, c)));
        }
      }
      const begin = pages * PAGE_TOKENS;
      kernels.tipRows(name, q, nQ, channels, nChannels, keys.subarray(begin * d), d, open, scores.subarray(begin), n);
      for (let h = 0; h < nQ; h++) {
        for (let t = begin; t < n; t++) exact[h]?.push(query(h, (c) => halfValue(at(keys, t * d + at(channels, c)))));
      }
      // The same choice from the scores as they are ...
      const values = importance(name, scores, n, nQ, n);
      const chosen = topK(name, values, 1, n - 8, budget);
      const heads = Array.from({ length: nQ }, (_, h) => [...scores.subarray(h * n, (h + 1) * n)]);
      const expected = largest(groupSoftmax(heads), 1, n - 8, budget);
      // (values that agree to the last bits of a float may change places)
      expect(expected.filter((token) => !chosen.includes(token)).length).toBeLessThanOrEqual(1);
      // ... and, but for tokens at the very edge of the choice, from the dequantized keys in double precision.
      const brute = new Set(largest(groupSoftmax(exact), 1, n - 8, budget));
      expect(chosen.filter((token) => brute.has(token)).length / budget).toBeGreaterThan(0.97);
    },
  );
});
