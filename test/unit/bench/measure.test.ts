/** Figures that benchmarks and evaluation are made of. */

import { describe, expect, test } from 'vitest';
import { bestToken, compareLogits } from '../../../bench/common/compare-logits';
import { mean, median, percentile } from '../../../bench/common/statistics';
import { table } from '../../../bench/common/table';
import { choosePolicies, predictorBytes } from '../../../bench/quality/runs';
import { parseShape } from '../../../bench/speed/synthetic';
import { parseCommandLine } from '../../../language-server/cli/arguments';

const line = (...argv: string[]) => {
  const parsed = parseCommandLine(argv, '/here');
  if (parsed.kind !== 'command') {
    throw new Error('not a command');
  }
  return parsed;
};

describe('options of benchmarks and evaluation', () => {
  test('are parsed as lists and numbers', () => {
    expect(line('bench', 'decode', '--depths', '0,2048', '--lengths', '512', '--synthetic', 'd64h3g3')).toMatchObject({
      operands: ['decode'],
      depths: [0, 2048],
      lengths: [512],
      synthetic: 'd64h3g3',
    });
    const argv = 'eval fidelity --length 1024 --documents 2 --policy oracle,fasa --calibration c.json --corpus d';
    expect(line(...argv.split(' '))).toMatchObject({
      length: 1024,
      documents: 2,
      policies: ['oracle', 'fasa'],
      calibration: 'c.json',
      corpus: 'd',
    });
  });

  test.each([
    ['--depths', '1,x'],
    ['--depths', ''],
    ['--depths', '1,,2'],
    ['--depths', '-1'],
    ['--lengths', '0'],
    ['--length', '10'],
    ['--documents', '0'],
  ])('refuse %s %s', (name, value) => {
    expect(() => line('bench', 'decode', `${name}=${value}`)).toThrow(name);
  });

  test('put policies in an order in which the prefill is done once', () => {
    expect(choosePolicies(line('eval', 'fidelity'))).toEqual(['fasa']);
    expect(choosePolicies(line('eval', 'fidelity', '--policy', 'oracle,paper,fasa'))).toEqual([
      'paper',
      'fasa',
      'oracle',
    ]);
    expect(() => choosePolicies(line('eval', 'fidelity', '--policy', 'fasa,best'))).toThrow('best');
  });

  test('parse shapes of attention', () => {
    expect(parseShape('d128h8g4')).toEqual({ headSize: 128, kvHeads: 8, group: 4 });
    for (const wrong of ['', 'd128', 'd128h8', 'd0h1g1', 'd63h1g1', 'd64h0g1', 'd64h1g33', 'd512h1g1', 'xd64h1g1']) {
      expect(() => parseShape(wrong), wrong).toThrow('--synthetic');
    }
  });
});

describe('figures', () => {
  test('include median, mean and percentile', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(mean([1, 2, 6])).toBe(3);
    const hundred = Array.from({ length: 100 }, (_, i) => i);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile([7], 0.99)).toBe(7);
  });

  test('include the bytes of a predictor per token and KV head', () => {
    expect(predictorBytes('fasa', 64, 3, 16)).toBe(17);
    expect(predictorBytes('fasa-f16', 64, 3, 16)).toBe(64);
    expect(predictorBytes('paper', 64, 3, 16)).toBe(96);
    expect(predictorBytes('paper', 64, 7, 16)).toBe(128);
    expect(predictorBytes('paper-kv', 64, 3, 16)).toBe(32);
    expect(predictorBytes('quest', 64, 3, 16)).toBe(16);
    expect(predictorBytes('streaming', 64, 3, 16)).toBe(0);
    expect(predictorBytes('oracle', 64, 3, 16)).toBe(128);
  });

  test('are aligned in a table', () => {
    const columns = [
      { title: 'n', text: (row: { n: number }) => String(row.n) },
      { title: 'twice', text: (row: { n: number }) => String(2 * row.n) },
    ];
    expect(table([{ n: 5 }, { n: 500 }], columns)).toEqual(['  n  twice', '  5     10', '500   1000']);
  });
});

describe('comparing logits', () => {
  const ln = Math.log;
  const reference = Float32Array.from([ln(0.5), ln(0.25), ln(0.25), ln(0.1), ln(0.1), ln(0.8)]);

  test('gives the divergence, agreement and likelihood that a calculation by hand gives', () => {
    // shifted by a constant, which a softmax does not see, and another distribution
    const other = Float32Array.from([3 + ln(0.5), 3 + ln(0.25), 3 + ln(0.25), ln(0.6), ln(0.2), ln(0.2)]);
    const result = compareLogits(reference, other, 3, Int32Array.of(1, 2));
    expect(result.kl[0]).toBeCloseTo(0, 6);
    expect(result.kl[1]).toBeCloseTo(0.1 * ln(0.1 / 0.6) + 0.1 * ln(0.1 / 0.2) + 0.8 * ln(0.8 / 0.2), 5);
    expect(result.agreeing).toBe(1);
    expect(result.referenceNll[0]).toBeCloseTo(-ln(0.25), 5);
    expect(result.referenceNll[1]).toBeCloseTo(-ln(0.8), 5);
    expect(result.nll[1]).toBeCloseTo(-ln(0.2), 5);
  });

  test('does not overflow with large logits, and refuses rows that do not match', () => {
    const large = Float32Array.from([1000, 999, -1000]);
    expect(compareLogits(large, large, 3, Int32Array.of(0)).kl[0]).toBeCloseTo(0, 9);
    expect(bestToken(large)).toBe(0);
    expect(() => compareLogits(reference, large, 3, Int32Array.of(0, 0))).toThrow(RangeError);
  });
});
