/** Other ways to choose tokens, that evaluation compares FASA with, and the steps that the meter measures. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { ChoicePolicy, LaboratoryContext, LaboratoryModel } from '../../bench/common/addon';
import type { NativeCalibration } from '../../language-server/engine/native/addon';
import { compareLogits } from './tools/kl';
import { plantedFcs, savePlantedModel } from './tools/planted-model';
import { Random } from './tools/random';
import { type TinyModelOptions, tinyShapes, tinyTextTokens } from './tools/tiny-model';
import { denseLogits, failureOf, greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const contextTokens = 1024;
const tokens = new Random(31).tokens(660, 0, tinyTextTokens);
const from = 620;
const budget = 160;
const options: TinyModelOptions = { architecture: 'llama', heads: 6, kvHeads: 2, bias: false, feedForward: 128 };
const { layers, kvHeads, headSize } = tinyShapes(options);
const planted: NativeCalibration = {
  dominantFcs: Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: kvHeads }, (_head, head) => plantedFcs(layer, head, headSize)),
  ),
};

let model: LaboratoryModel;
let context: LaboratoryContext;
beforeAll(async () => {
  model = await workshop.model(savePlantedModel(workshop.folder, options));
  context = workshop.context(model, { contextTokens, calibration: planted });
});

function steps(policy: ChoicePolicy, tokensRead = budget, used = context): Promise<Float32Array> {
  return used.evaluate({
    tokens,
    from,
    stepwise: true,
    attention: 'fasa-c',
    budget: tokensRead,
    fasaFromTokens: 0,
    policy,
  }).promise;
}

describe('policies', () => {
  const kl = async (policy: ChoicePolicy) => {
    const dense = await denseLogits(context, tokens, from);
    return compareLogits(dense, await steps(policy), model.info.vocabulary).meanKl;
  };

  it('by planted FCs are as good as exact logits in a model that attends only by these', async () => {
    const oracle = await steps('oracle');
    expect(compareLogits(oracle, await steps('fasa-f16'), model.info.vocabulary).maxKl).toBeLessThan(1e-6);
    const [exact, quantized] = [await kl('oracle'), await kl('fasa')];
    expect(exact).toBeLessThan(0.02);
    expect(quantized).toBeLessThan(2 * exact + 1e-3);
  });

  it('by recent tokens or page bounds are much worse', async () => {
    const exact = await kl('oracle');
    expect(await kl('streaming')).toBeGreaterThan(4 * exact);
    expect(await kl('quest')).toBeGreaterThan(2 * exact);
  });

  it('by contextual agreement find planted FCs, for each query head and for each KV head', async () => {
    const streaming = await kl('streaming');
    // the paper takes a quarter of the FCs, fewer or more than were planted
    expect(await kl('paper')).toBeLessThan(0.5 * streaming);
    expect(await kl('paper-kv')).toBeLessThan(0.5 * streaming);
  });

  it.each(['fasa', 'fasa-f16', 'oracle', 'paper', 'quest', 'streaming'] as const)(
    '%s with a budget of all tokens is dense',
    async (policy) => {
      const dense = await denseLogits(context, tokens, from);
      const { maxKl } = compareLogits(dense, await steps(policy, contextTokens), model.info.vocabulary);
      expect(maxKl).toBeLessThan(3e-5);
    },
  );

  it('give the same on a reused prefix as in a new context, and leave FASA unchanged', async () => {
    await steps('streaming');
    const again = await steps('fasa');
    const other = workshop.context(model, { contextTokens, calibration: planted });
    expect(again).toEqual(await steps('fasa', budget, other));
  });

  it('need a calibration, a known name and enough text', async () => {
    const plain = workshop.context(model, { contextTokens });
    const dense = { tokens, from, stepwise: true, attention: 'dense', budget, fasaFromTokens: 0 } as const;
    expect((await failureOf(() => plain.evaluate({ ...dense, policy: 'oracle' }))).code).toBe('BAD_CALIBRATION');
    const unknown = 'best' as ChoicePolicy;
    expect((await failureOf(() => context.evaluate({ ...dense, policy: unknown }))).code).toBe('BAD_ARGUMENT');
    const short = { ...dense, tokens: tokens.subarray(0, 300), from: 290 };
    expect((await failureOf(() => context.evaluate({ ...short, policy: 'paper' }))).code).toBe('BAD_ARGUMENT');
  });
});

describe('measuring what is cached', () => {
  const prompt = tokens.subarray(0, 600);
  const measure = { steps: 6, budget, priority: -10 };

  it('gives times, divergence and agreement, and leaves the cache as it was', async () => {
    const own = workshop.context(model, { contextTokens, calibration: planted });
    const before = await own.generate(greedy(prompt, 1), {}).promise;
    const result = await own.measure(measure).promise;
    expect(result.tokens).toBe(prompt.length - measure.steps);
    for (const list of [result.fasaMs, result.denseMs, result.kl]) {
      expect(list).toHaveLength(measure.steps);
      expect(list.every((value) => value >= 0 && Number.isFinite(value))).toBe(true);
    }
    expect(result.fasaMs.every((ms) => ms > 0)).toBe(true);
    const meanKl = result.kl.reduce((sum, kl) => sum + kl, 0) / measure.steps;
    expect(meanKl).toBeGreaterThan(0);
    expect(meanKl).toBeLessThan(0.02);
    expect(result.agreeing).toBeGreaterThanOrEqual(measure.steps / 2);
    expect(own.usage().tokens).toBe(prompt.length);
    const after = await own.generate(greedy(prompt, 1), {}).promise;
    expect(after.stats.reusedTokens).toBe(prompt.length - 1);
    expect(after.tokens).toEqual(before.tokens);
  });

  it('detects a bad selection of tokens', async () => {
    const wrong = planted.dominantFcs.map((heads) =>
      heads.map((fcs) =>
        Array.from({ length: headSize / 2 }, (_, fc) => fc)
          .filter((fc) => !fcs.includes(fc))
          .slice(0, fcs.length),
      ),
    );
    const other = workshop.context(model, { contextTokens, calibration: { dominantFcs: wrong } });
    const mean = async (used: LaboratoryContext) => {
      await used.generate(greedy(prompt, 1), {}).promise;
      const { kl } = await used.measure({ ...measure, steps: 24 }).promise;
      return kl.reduce((sum, one) => sum + one, 0) / kl.length;
    };
    expect(await mean(other)).toBeGreaterThan(4 * (await mean(context)));
  });

  it('needs more tokens than it reads, and a calibration', async () => {
    const empty = workshop.context(model, { contextTokens, calibration: planted });
    expect((await failureOf(() => empty.measure(measure))).code).toBe('BAD_ARGUMENT');
    await empty.generate(greedy(tokens.subarray(0, budget), 1), {}).promise;
    expect((await failureOf(() => empty.measure(measure))).code).toBe('BAD_ARGUMENT');
    expect((await failureOf(() => empty.measure({ ...measure, steps: 1 }))).code).toBe('BAD_ARGUMENT');
    const plain = workshop.context(model, { contextTokens });
    await plain.generate(greedy(prompt, 1), {}).promise;
    expect((await failureOf(() => plain.measure(measure))).code).toBe('BAD_CALIBRATION');
  });

  it('leaves a usable cache when cancelled', async () => {
    const own = workshop.context(model, { contextTokens, calibration: planted });
    const { tokens: expected } = await own.generate(greedy(prompt, 8), {}).promise;
    const task = own.measure({ ...measure, steps: 200 });
    setTimeout(() => task.cancel(), 30);
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    expect((await own.generate(greedy(prompt, 8), {}).promise).tokens).toEqual(expected);
  });
});

describe('attention of any shape', () => {
  it('is timed on random data and reads as many bytes as calculated', async () => {
    const shape = { headSize: 128, kvHeads: 2, group: 6, depth: 1000, dominantFcs: 32 };
    const result = await workshop.addon.timeAttention({ ...shape, budget, threads: 1, turns: 3 }).promise;
    for (const list of [result.flashMs, result.exactMs, result.fasaMs]) {
      expect(list).toHaveLength(3);
      expect(list.every((ms) => ms > 0)).toBe(true);
    }
    expect(result.tipMs).toBeGreaterThan(0);
    expect(result.selectionMs).toBeGreaterThan(0);
    expect(result.facMs).toBeGreaterThan(0);
    expect(result.denseBytes).toBe(1000 * 2 * 4 * 128);
    // 7 pages of int4 codes and ranges, 104 newest tokens and 4 of the anchor in f16, rows of the budget
    const perHead = 7 * (64 + 4) * 64 + (104 + 4) * 64 * 2 + budget * 4 * 128;
    expect(result.fasaBytes).toBe(2 * perHead);
  });

  it('refuses invalid shapes, and can be cancelled', async () => {
    const shape = { headSize: 64, kvHeads: 2, group: 2, depth: 4000, dominantFcs: 16, budget, threads: 1, turns: 1 };
    const { addon } = workshop;
    for (const wrong of [{ headSize: 63 }, { headSize: 0 }, { dominantFcs: 33 }, { depth: 0 }, { turns: 0 }]) {
      expect((await failureOf(() => addon.timeAttention({ ...shape, ...wrong }))).code).toBe('BAD_ARGUMENT');
    }
    const task = addon.timeAttention({ ...shape, turns: 60_000 });
    setTimeout(() => task.cancel(), 50);
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
  });
});
