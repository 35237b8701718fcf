import { describe, expect, it } from 'vitest';
import { choices, decide, pairedGain, retrievedChoices } from '../../../bench/cross-file/decide';
import type { Variant } from '../../../bench/cross-file/options';

const start: Variant = { late: 64, prior: 2, bias: 0, budget: 256, retrieved: 49_152 };

const scoring = (score: (variant: Variant) => number[]) => async (variants: readonly Variant[]) => variants.map(score);

describe('deciding how chunks are read', () => {
  it('keeps the default if nothing is clearly better', async () => {
    // half of the cases gain what the others lose, and a little more
    const { variant, candidates } = await decide(
      start,
      scoring(({ prior, retrieved }) =>
        Array.from(
          { length: 20 },
          (_, i) => 5 + (prior === 1 ? (i % 2 === 0 ? -1.05 : 1) : 0) + (retrieved < 40_000 ? 1 : 0),
        ),
      ),
    );
    expect(variant).toEqual(start);
    expect(candidates.filter(({ kept }) => kept)).toHaveLength(1);
  });

  it('takes the fewest retrieved tokens that are not clearly worse', async () => {
    const nll = (retrieved: number) => (retrieved < 10_000 ? 6 : retrieved < 20_000 ? 5.1 : 5);
    const { variant } = await decide(
      start,
      scoring(({ retrieved }) =>
        Array.from(
          { length: 20 },
          (_, i) => nll(retrieved) + (retrieved < 20_000 && i % 2 === 0 ? 2 : 0) - (retrieved < 20_000 ? 1 : 0),
        ),
      ),
    );
    expect(variant).toEqual({ ...start, retrieved: 16_384 });
  });

  it('compares fewer retrieved tokens with the best number, which need not be the largest', async () => {
    const nll = new Map([
      [49_152, 5.2],
      [32_768, 5.1],
      [16_384, 5],
      [8192, 5.15],
      [4096, 6],
    ]);
    const { variant, candidates } = await decide(
      start,
      scoring(({ retrieved }) => Array.from({ length: 12 }, (_, i) => (nll.get(retrieved) ?? 9) + i)),
    );
    expect(variant).toEqual({ ...start, retrieved: 16_384 });
    expect(candidates.find((one) => one.variant.retrieved === 8192)?.gain).toBeCloseTo(-0.15);
    expect(candidates.filter(({ kept }) => kept)).toHaveLength(1);
  });

  it('takes the best value of each parameter and compares the next parameter with it', async () => {
    const asked: Variant[] = [];
    const { variant, candidates } = await decide(
      start,
      scoring((one) => {
        asked.push(one);
        const fewer = one.retrieved < start.retrieved ? 1 : 0;
        const nll = 5 + fewer - (one.prior === 1 ? 0.5 : one.prior === 4 ? 0.2 : 0) - (one.late === 256 ? 0.1 : 0);
        return Array.from({ length: 12 }, (_, i) => nll + i);
      }),
    );
    expect(variant).toEqual({ ...start, prior: 1, late: 256 });
    expect(asked[0]).toEqual(start);
    expect(new Set(asked.map((one) => JSON.stringify(one))).size).toBe(asked.length);
    expect(asked.filter(({ late }) => late !== 64).every(({ prior }) => prior === 1)).toBe(true);
    expect(candidates).toHaveLength(
      1 +
        retrievedChoices.length +
        choices.reduce((sum, [name, values]) => sum + values.filter((value) => value !== start[name]).length, 0),
    );
    const kept = candidates.find((one) => one.kept && one.variant.late === 256);
    expect(kept?.gain).toBeCloseTo(0.1);
  });

  it('computes the standard error of a paired difference', () => {
    const { gain, error } = pairedGain([1, 2, 3, 4], [0, 2, 2, 2]);
    expect(gain).toBe(1);
    expect(error).toBeCloseTo(Math.sqrt(2 / 3 / 4));
  });
});
