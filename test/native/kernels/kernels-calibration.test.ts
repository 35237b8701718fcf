/** The choice of dominant FCs, on queries and keys made so that the right answer is known. */

import { describe, expect, test } from 'vitest';
import { loadKernels, type Observation } from '../addon/kernels-addon';
import { at } from '../addon/scalar-reference';
import { halfBits } from '../tools/quantize';
import { Random } from '../tools/random';

const kernels = loadKernels();

interface Shape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly d: number;
  readonly neox: boolean;
}

const sizesOf = (shape: Shape) => Int32Array.of(shape.layers, shape.kvHeads, shape.group, shape.d, shape.neox ? 1 : 0);

/** Both dims of an FC, by docs/calibration.md. */
const dimsOf = (shape: Shape, fc: number) => (shape.neox ? [fc, fc + shape.d / 2] : [2 * fc, 2 * fc + 1]);

/** Observations in which key FC i of (layer, KV head) varies over the tokens by spread(layer, head, i), queries alike. */
function observe(
  shape: Shape,
  seed: number,
  tokens: number,
  spread: (layer: number, head: number, fc: number) => number,
): Observation[] {
  const random = new Random(seed);
  const stride = 2 * shape.d;
  return Array.from({ length: shape.layers * 4 }, (_, i) => {
    const layer = i % shape.layers;
    const keys = Array.from({ length: shape.kvHeads }, (_, head) => {
      const rows = new Uint16Array(tokens * stride);
      for (let fc = 0; fc < shape.d / 2; fc++) {
        for (const dim of dimsOf(shape, fc)) {
          const mean = 5 * random.normal();
          for (let t = 0; t < tokens; t++) {
            rows[t * stride + dim] = halfBits(mean + spread(layer, head, fc) * random.normal());
          }
        }
      }
      return rows;
    });
    return {
      layer,
      q: random.normals(shape.kvHeads * shape.group * shape.d, 1),
      keys,
      rowStride: stride,
      past: tokens,
    };
  });
}

describe.each([
  { layers: 2, kvHeads: 3, group: 3, d: 64, neox: false },
  { layers: 3, kvHeads: 2, group: 4, d: 128, neox: true },
  { layers: 1, kvHeads: 1, group: 1, d: 80, neox: true },
])('$layers layers, $kvHeads x $group heads of $d, neox $neox', (shape) => {
  const nFc = shape.d / 2;
  const count = nFc / 4;

  test('calibration chooses the FCs whose keys vary, per layer and KV head, however large the others are', () => {
    // Constant parts move no softmax: every FC has a large mean, only some a spread.
    const carries = (layer: number, head: number, fc: number) => (fc * 7 + layer * 3 + head * 5) % nFc < count;
    const observations = observe(shape, 1, 700, (layer, head, fc) => (carries(layer, head, fc) ? 1 : 0.05));
    const chosen = kernels.calibrate(sizesOf(shape), observations, count);
    const expected = Array.from({ length: shape.layers * shape.kvHeads }, (_, i) =>
      Array.from({ length: nFc }, (_, fc) => fc).filter((fc) =>
        carries(Math.floor(i / shape.kvHeads), i % shape.kvHeads, fc),
      ),
    );
    expect([...(chosen ?? [])]).toEqual(expected.flat());
  });

  test('calibration gives the same choice for the same observations, in ascending lists', () => {
    const observations = observe(shape, 2, 300, () => 1);
    const first = kernels.calibrate(sizesOf(shape), observations, count);
    expect(kernels.calibrate(sizesOf(shape), observations, count)).toEqual(first);
    for (let i = 0; i < shape.layers * shape.kvHeads; i++) {
      const list = [...(first ?? []).slice(i * count, (i + 1) * count)];
      expect(list).toEqual([...new Set(list)].sort((a, b) => a - b));
      expect(list.every((fc) => fc >= 0 && fc < nFc)).toBe(true);
    }
    const all = kernels.calibrate(sizesOf(shape), observations, nFc);
    expect([...(all ?? [])]).toEqual(
      Array.from({ length: shape.layers * shape.kvHeads }, () => Array.from({ length: nFc }, (_, fc) => fc)).flat(),
    );
  });
});

test('calibration leaves out FCs that cancel each other, because the set counts', () => {
  // FCs 0 and 1 vary most, and always against each other; FCs 2 and 3 carry what is left of the logit.
  const shape = { layers: 1, kvHeads: 1, group: 1, d: 16, neox: false };
  const random = new Random(4);
  const observations = Array.from({ length: 8 }, () => {
    const rows = new Uint16Array(600 * 16);
    for (let t = 0; t < 600; t++) {
      const loud = 3 * random.normal();
      rows[t * 16] = halfBits(loud);
      rows[t * 16 + 2] = halfBits(-loud);
      rows[t * 16 + 4] = halfBits(random.normal());
      rows[t * 16 + 6] = halfBits(random.normal());
    }
    return { layer: 0, q: new Float32Array(16).fill(1), keys: [rows], rowStride: 16, past: 600 };
  });
  expect([...(kernels.calibrate(sizesOf(shape), observations, 2) ?? [])]).toEqual([2, 3]);
  // Nothing is gained by a third, much lost by one of the pair.
  expect([...(kernels.calibrate(sizesOf(shape), observations, 3) ?? [])]).toEqual([2, 3, 4]);
});

test('calibration also chooses for short contexts, keys that are not finite, and no observations', () => {
  const shape = { layers: 1, kvHeads: 1, group: 2, d: 64, neox: true };
  const keys = [new Uint16Array(64).fill(0x7e00)];
  const bad = { layer: 0, q: new Float32Array(128).fill(Number.NaN), keys, rowStride: 64, past: 1 };
  for (const observations of [[], [bad], [{ ...bad, layer: 7 }], [{ ...bad, past: 0 }]]) {
    const chosen = [...(kernels.calibrate(sizesOf(shape), observations, 16) ?? [])];
    expect(chosen.length).toBe(16);
    expect(chosen.every((fc, i) => fc >= 0 && fc < 32 && (i === 0 || fc > at(chosen, i - 1)))).toBe(true);
  }
});

test('calibration refuses sizes that no model has', () => {
  for (const sizes of [
    [0, 1, 1, 64, 0],
    [1, 0, 1, 64, 0],
    [1, 1, 0, 64, 0],
    [1, 1, 1, 63, 0],
    [1, 1, 1, 258, 0],
  ]) {
    expect(kernels.calibrate(Int32Array.from(sizes), [], 1)).toBeNull();
  }
});

test('the channels of an FC are neighbours in the norm layout and half a head apart in the neox layout', () => {
  const channels = new Int32Array(6);
  kernels.channelsFromFcs(Int32Array.of(0, 5, 31), 64, false, channels);
  expect([...channels]).toEqual([0, 1, 10, 11, 62, 63]);
  kernels.channelsFromFcs(Int32Array.of(0, 5, 31), 64, true, channels);
  expect([...channels]).toEqual([0, 32, 5, 37, 31, 63]);
});
