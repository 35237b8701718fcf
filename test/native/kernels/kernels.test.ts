/** Importance keys and the kernels that read rows, in every instruction set of this CPU, against scalar-reference.ts. */

import { describe, expect, test } from 'vitest';
import { loadKernels, PAGE_TOKENS } from '../addon/kernels-addon';
import { at, attention, decodePage } from '../addon/scalar-reference';
import { halfBits, halfValue } from '../tools/quantize';
import { Random } from '../tools/random';

const kernels = loadKernels();
const sizes = [
  { d: 64, nChannels: 32 },
  { d: 80, nChannels: 40 },
  { d: 128, nChannels: 64 },
  // Not whole blocks of 8 channels: fewer FCs than that, or an odd number of them.
  { d: 64, nChannels: 2 },
  { d: 64, nChannels: 16 },
  { d: 96, nChannels: 42 },
];

/** Ascending, as pairs (i, i + d/2): the channels of FCs 0, 2, 4 ... in the neox layout when they are half of all. */
function someChannels(d: number, count: number): Int32Array {
  const fcs = Array.from({ length: count / 2 }, (_, i) => (count * 2 <= d ? 2 * i : i));
  return Int32Array.from(fcs.flatMap((fc) => [fc, fc + d / 2]));
}

function halves(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(values, halfBits);
}

/** Rows of K and V; each dim of the keys has a mean and a spread of its own, as real keys do. */
function randomRows(random: Random, tokens: number, d: number): Uint16Array {
  const mean = random.normals(d, 3);
  const spread = random.normals(d, 1);
  const rows = new Uint16Array(tokens * 2 * d);
  for (let token = 0; token < tokens; token++) {
    for (let i = 0; i < d; i++) {
      rows[token * 2 * d + i] = halfBits(at(mean, i) + at(spread, i) * random.normal());
      rows[token * 2 * d + d + i] = halfBits(random.normal());
    }
  }
  return rows;
}

/** A byte after the page shows whether it was written over. */
function encode(name: string, keys: Uint16Array, stride: number, channels: Int32Array, nExact = 0): Uint8Array {
  const bytes = kernels.pageBytes(channels.length);
  const page = new Uint8Array(bytes + 1).fill(0xa5);
  kernels.pageEncode(name, keys, stride, channels, channels.length, nExact, page);
  expect(page[bytes]).toBe(0xa5);
  return page.subarray(0, bytes);
}

test('the kernels include the plain ones, and the best of this CPU last', () => {
  expect(kernels.names()[0]).toBe('plain');
  expect(kernels.best()).toBe(process.env['FASA_KERNELS'] ?? kernels.names().at(-1));
});

describe.each(kernels.names())('%s', (name) => {
  describe.each(sizes)('importance keys, d $d, $nChannels channels', ({ d, nChannels }) => {
    const random = new Random(d * 1000 + nChannels);
    const channels = someChannels(d, nChannels);
    const rows = randomRows(random, PAGE_TOKENS, d);
    const key = (token: number, channel: number) => halfValue(at(rows, token * 2 * d + at(channels, channel)));

    test('restore a key within half a step of its channel', () => {
      const page = decodePage(encode(name, rows, 2 * d, channels), nChannels);
      for (let c = 0; c < nChannels; c++) {
        const column = Array.from({ length: PAGE_TOKENS }, (_, token) => key(token, c));
        const [low, high] = [Math.min(...column), Math.max(...column)];
        expect(page.minimum[c]).toBe(low);
        expect(page.scale[c]).toBeCloseTo((high - low) / 15, 2);
        const used = new Set(page.code.map((row) => at(row, c)));
        expect(used.has(0) && used.has(15), 'the whole range is used').toBe(true);
        // The step itself is a half: its rounding shifts the upper end by up to 15 * 2^-11 steps.
        const most = at(page.scale, c) * (0.5 + 15 / 2048);
        column.forEach((value, token) => {
          expect(Math.abs(at(at(page.key, token), c) - value)).toBeLessThanOrEqual(most);
        });
      }
    });

    test.each([1, 2, 3, 4, 5, 7, 8])('give the dot products with the codes in a scan for %i query heads', (nQ) => {
      const page = encode(name, rows, 2 * d, channels);
      const decoded = decodePage(page, nChannels);
      const q = random.normals(nQ * nChannels, 0.3);
      const stride = PAGE_TOKENS + 5;
      const scores = new Float32Array(nQ * stride).fill(77);
      const prior = -1.5 * (nQ - 1);
      kernels.tipPage(name, q, nQ, nChannels, page, prior, scores, stride);
      for (let h = 0; h < nQ; h++) {
        const query = q.subarray(h * nChannels, (h + 1) * nChannels);
        // The folded query has one int8 step; a rounding of half of it meets a code at most 7.5 from the middle.
        const folded = decoded.scale.map((scale, c) => scale * at(query, c));
        const step = Math.max(...folded.map(Math.abs)) / 127;
        const bound = nChannels * 0.5 * step * 7.5;
        let squares = 0;
        for (let token = 0; token < PAGE_TOKENS; token++) {
          const exact = at(decoded.key, token).reduce((sum, value, c) => sum + value * at(query, c), 0);
          const error = at(scores, h * stride + token) - prior - exact;
          squares += error * error;
          expect(Math.abs(error)).toBeLessThanOrEqual(bound + 1e-4);
        }
        // Roundings of many channels are independent: together far below the bound, unless something is wrong.
        expect(Math.sqrt(squares / PAGE_TOKENS)).toBeLessThanOrEqual(0.29 * step * 7.5 * Math.sqrt(nChannels) + 1e-4);
        expect([...scores.subarray(h * stride + PAGE_TOKENS, (h + 1) * stride)]).toEqual(new Array(5).fill(77));
      }
    });

    test('have the same bytes and nearly the same scores in all instruction sets', () => {
      const page = encode(name, rows, 2 * d, channels, 1);
      expect([...page]).toEqual([...encode('plain', rows, 2 * d, channels, 1)]);
      const q = random.normals(3 * nChannels, 0.3);
      const [scores, plain] = [new Float32Array(3 * PAGE_TOKENS), new Float32Array(3 * PAGE_TOKENS)];
      kernels.tipPage(name, q, 3, nChannels, page, 0, scores, PAGE_TOKENS);
      kernels.tipPage('plain', q, 3, nChannels, page, 0, plain, PAGE_TOKENS);
      const size = Math.max(...plain.map(Math.abs));
      // A query code that lies on the boundary may round either way; then the score moves by less than 15 steps.
      scores.forEach((score, i) => {
        expect(Math.abs(score - at(plain, i)) / size).toBeLessThan(2e-3);
      });
    });
  });

  test('the ranges of a page are not widened by an attention sink that is kept exact', () => {
    const random = new Random(5);
    const rows = randomRows(random, PAGE_TOKENS, 64);
    const channels = someChannels(64, 32);
    for (const channel of channels) rows[channel] = halfBits(channel % 4 ? 400 : -400);
    const stretched = decodePage(encode(name, rows, 128, channels, 0), 32);
    const page = decodePage(encode(name, rows, 128, channels, 1), 32);
    for (let c = 0; c < 32; c++) {
      const column = Array.from({ length: PAGE_TOKENS - 1 }, (_, i) =>
        halfValue(at(rows, (i + 1) * 128 + at(channels, c))),
      );
      expect(page.minimum[c]).toBe(Math.min(...column));
      expect(at(page.minimum, c) + 15 * at(page.scale, c)).toBeCloseTo(Math.max(...column), 1);
      expect(at(stretched.scale, c)).toBeGreaterThan(5 * at(page.scale, c));
      expect(at(page.code, 0)[c], 'the sink is clamped').toBe(at(channels, c) % 4 ? 15 : 0);
    }
  });

  test('a page can be scanned when its keys are all equal, tiny, huge or not finite', () => {
    const special = [0, 1.5, -65504, 65504, 2 ** -24, -(2 ** -24), 2 ** -14, Number.NaN, Infinity, -Infinity];
    const channels = Int32Array.from({ length: 32 }, (_, i) => i);
    const constant = halves(new Array(PAGE_TOKENS * 64).fill(1.5));
    const equal = decodePage(encode(name, constant, 64, channels), 32);
    expect(equal.key.flat().every((value) => value === 1.5)).toBe(true);

    const random = new Random(9);
    const tiny = halves(Array.from({ length: PAGE_TOKENS * 64 }, () => random.below(7) * 2 ** -24));
    const small = decodePage(encode(name, tiny, 64, channels), 32);
    expect(small.scale.every((scale) => scale === 2 ** -24)).toBe(true);
    expect(small.key.flatMap((row, t) => row.map((value, c) => value - halfValue(at(tiny, t * 64 + c))))).toEqual(
      new Array(PAGE_TOKENS * 32).fill(0),
    );

    const mixed = halves(Array.from({ length: PAGE_TOKENS * 64 }, () => at(special, random.below(special.length))));
    const page = encode(name, mixed, 64, channels);
    const decoded = decodePage(page, 32);
    expect(decoded.minimum.every((value) => value === -65504)).toBe(true);
    expect(decoded.scale.every((value) => Number.isFinite(value))).toBe(true);
    const scores = new Float32Array(PAGE_TOKENS);
    kernels.tipPage(name, random.normals(32, 0.1), 1, 32, page, 0, scores, PAGE_TOKENS);
    expect(scores.every(Number.isFinite)).toBe(true);

    const nothing = decodePage(encode(name, halves(new Array(PAGE_TOKENS * 64).fill(Number.NaN)), 64, channels), 32);
    expect(nothing.key.flat().every((value) => value === 0)).toBe(true);
    // A query that is not finite has no good answer, but gets one.
    for (const bad of [Number.NaN, Infinity, 3e38]) {
      kernels.tipPage(name, new Float32Array(32).fill(bad), 1, 32, page, 0, scores, PAGE_TOKENS);
    }
  });

  test.each([
    { d: 64, nChannels: 32, nRows: 1, nQ: 3 },
    { d: 64, nChannels: 64, nRows: 128, nQ: 1 },
    { d: 80, nChannels: 40, nRows: 77, nQ: 8 },
    { d: 128, nChannels: 64, nRows: 130, nQ: 4 },
    { d: 96, nChannels: 42, nRows: 6, nQ: 7 },
    { d: 256, nChannels: 128, nRows: 9, nQ: 2 },
    { d: 64, nChannels: 32, nRows: 0, nQ: 3 },
  ])('partial logits from rows: d $d, $nChannels channels, $nRows rows, $nQ heads', ({ d, nChannels, nRows, nQ }) => {
    const random = new Random(d + nRows);
    const rows = randomRows(random, nRows, d);
    const channels = someChannels(d, nChannels);
    const q = random.normals(nQ * nChannels, 0.3);
    const stride = nRows + 3;
    const scores = new Float32Array(nQ * stride).fill(77);
    kernels.tipRows(name, q, nQ, channels, nChannels, rows, 2 * d, nRows, scores, stride);
    for (let h = 0; h < nQ; h++) {
      for (let row = 0; row < nRows; row++) {
        let [exact, size] = [0, 0];
        channels.forEach((channel, c) => {
          const product = at(q, h * nChannels + c) * halfValue(at(rows, row * 2 * d + channel));
          exact += product;
          size += Math.abs(product);
        });
        expect(Math.abs(at(scores, h * stride + row) - exact)).toBeLessThanOrEqual(1e-6 * size);
      }
      expect([...scores.subarray(h * stride + nRows, (h + 1) * stride)]).toEqual([77, 77, 77]);
    }
  });

  test.each([
    ...[64, 80, 128].flatMap((d) => [1, 2, 3, 4, 7, 8].map((nQ) => ({ d, nQ, nChosen: 256 }))),
    ...[1, 2, 3, 5, 16, 17, 255].map((nChosen) => ({ d: 64, nQ: 3, nChosen })),
    { d: 72, nQ: 5, nChosen: 33 },
    { d: 256, nQ: 2, nChosen: 40 },
  ])('focused attention equals softmax attention: d $d, $nQ heads, $nChosen rows', ({ d, nQ, nChosen }) => {
    const random = new Random(d * nQ + nChosen);
    const tokens = 3 * nChosen;
    const rows = randomRows(random, tokens, d);
    const chosen = Int32Array.from({ length: nChosen }, (_, i) => 3 * i + random.below(3));
    const q = random.normals(nQ * d, 0.5);
    const scale = 1 / Math.sqrt(d);
    const out = new Float32Array(nQ * d + 1).fill(77);
    kernels.fac(name, q, nQ, d, rows, 2 * d, chosen, nChosen, scale, new Float32Array(nQ * nChosen), out);
    for (let h = 0; h < nQ; h++) {
      const exact = attention(q.subarray(h * d, (h + 1) * d), rows, 2 * d, [...chosen], scale);
      exact.forEach((value, i) => {
        expect(Math.abs(at(out, h * d + i) - value)).toBeLessThan(4e-6);
      });
    }
    expect(out[nQ * d]).toBe(77);
  });

  test('focused attention is accurate to 1e-6 over logits of any size, and zero over no row', () => {
    const d = 64;
    const random = new Random(3);
    const rows = randomRows(random, 200, d);
    // All values are 1 but those of the last row, so that an output is a weight.
    for (let row = 0; row < 200; row++) rows.fill(halfBits(row === 199 ? 0 : 1), row * 2 * d + d, (row + 1) * 2 * d);
    const chosen = Int32Array.from({ length: 200 }, (_, i) => i);
    const out = new Float32Array(d);
    for (const deviation of [0, 0.01, 1, 4, 30]) {
      const q = random.normals(d, deviation);
      kernels.fac(name, q, 1, d, rows, 2 * d, chosen, 200, 1 / 8, new Float32Array(200), out);
      expect(Math.abs(at(out, 5) - at(attention(q, rows, 2 * d, [...chosen], 1 / 8), 5))).toBeLessThan(1e-6);
    }
    kernels.fac(name, new Float32Array(d), 1, d, rows, 2 * d, chosen, 0, 1 / 8, new Float32Array(1), out.fill(9));
    expect([...out]).toEqual(new Array(d).fill(0));
  });
});
