/** FASA decoding as a context does it: what it gives, when it is used, what it reads and holds. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { LaboratoryContext, LaboratoryModel } from '../../bench/common/addon';
import type { NativeCalibration } from '../../language-server/engine/native/addon';
import { compareLogits } from './tools/kl';
import { plantedFcs, savePlantedModel } from './tools/planted-model';
import { Random } from './tools/random';
import { type TinyModelOptions, tinyShapes, tinyTextTokens } from './tools/tiny-model';
import { denseLogits, failureOf, greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const contextTokens = 1024;
const tokens = new Random(21).tokens(700, 0, tinyTextTokens);
/** Decoded one by one from here on: past three closed pages, and over the border of more. */
const from = 500;

/** The same FCs in every layer and head, evenly spaced. */
function evenCalibration(model: LaboratoryModel, fcs: number): NativeCalibration {
  const all = model.info.headSize / 2;
  const one = Array.from({ length: fcs }, (_, i) => Math.floor((i * all) / fcs));
  return {
    dominantFcs: Array.from({ length: model.info.layers }, () => Array.from({ length: model.info.kvHeads }, () => one)),
  };
}

function fasaLogits(
  context: LaboratoryContext,
  budget: number,
  sequence = tokens,
  first = from,
): Promise<Float32Array> {
  const options = {
    tokens: sequence,
    from: first,
    stepwise: true,
    attention: 'fasa-c',
    budget,
    fasaFromTokens: 0,
  } as const;
  return context.evaluate(options).promise;
}

/** Order of sums in attention, f16 sums of ggml's kernel among them. */
const exactKl = 3e-5;

describe('a budget as large as the context', () => {
  const models: TinyModelOptions[] = [
    { architecture: 'llama', heads: 3, kvHeads: 1 },
    { architecture: 'llama', heads: 2, kvHeads: 2, headSize: 128, feedForward: 128 },
    { architecture: 'qwen2', heads: 7, kvHeads: 1, feedForward: 128 },
    { architecture: 'qwen2', heads: 4, kvHeads: 2, quantization: 'q8_0' },
    { architecture: 'qwen3', heads: 6, kvHeads: 3, feedForward: 128 },
    { architecture: 'qwen3', heads: 4, kvHeads: 1, headSize: 128, feedForward: 128 },
  ];
  it.each(models)('equals dense attention: %o', async (options) => {
    const model = await workshop.model(options);
    const calibration = evenCalibration(model, model.info.headSize / 4);
    const context = workshop.context(model, { contextTokens, calibration });
    const dense = await denseLogits(context, tokens, from);
    const sparse = await fasaLogits(context, contextTokens);
    const { maxKl, disagreements } = compareLogits(dense, sparse, model.info.vocabulary);
    // Quantized weights meet activations that are rounded: there a last bit may tip.
    expect(maxKl).toBeLessThan(options.quantization ? 1e-3 : exactKl);
    expect(disagreements.filter(({ margin }) => !(margin <= (options.quantization ? 0.15 : 0.03)))).toEqual([]);
  });

  it('reads no more than dense attention, and one token less already selects', async () => {
    const model = await workshop.model(models[0] ?? { architecture: 'llama' });
    const context = workshop.context(model, { contextTokens, calibration: evenCalibration(model, 16) });
    const dense = await denseLogits(context, tokens, from);
    const all = compareLogits(dense, await fasaLogits(context, tokens.length), model.info.vocabulary);
    const nearly = compareLogits(dense, await fasaLogits(context, from - 20), model.info.vocabulary);
    expect(all.maxKl).toBeLessThan(exactKl);
    // The least important tokens of 500 and more are left out: little changes, but something does.
    expect(nearly.meanKl).toBeGreaterThan(all.meanKl);
    expect(nearly.meanKl).toBeLessThan(0.01);
  });
});

describe.each(['llama', 'qwen2', 'qwen3'] as const)('%s: a model that attends only by planted FCs', (architecture) => {
  const options: TinyModelOptions = { architecture, heads: 6, kvHeads: 2, bias: false, feedForward: 128 };
  const { layers, kvHeads, headSize } = tinyShapes(options);
  let model: LaboratoryModel;
  beforeAll(async () => {
    model = await workshop.model(savePlantedModel(workshop.folder, options));
  });

  const planted: NativeCalibration = {
    dominantFcs: Array.from({ length: layers }, (_, layer) =>
      Array.from({ length: kvHeads }, (_head, head) => plantedFcs(layer, head, headSize)),
    ),
  };
  /** As many FCs, none of them planted in that head. */
  const wrong: NativeCalibration = {
    dominantFcs: planted.dominantFcs.map((heads) =>
      heads.map((fcs) =>
        Array.from({ length: headSize / 2 }, (_, fc) => fc)
          .filter((fc) => !fcs.includes(fc))
          .slice(0, fcs.length),
      ),
    ),
  };

  it('needs few tokens with these FCs and is far off with any others', async () => {
    const right = workshop.context(model, { contextTokens, calibration: planted });
    const other = workshop.context(model, { contextTokens, calibration: wrong });
    const dense = await denseLogits(right, tokens, from);
    const kl = async (context: LaboratoryContext, budget: number) =>
      compareLogits(dense, await fasaLogits(context, budget), model.info.vocabulary).meanKl;
    const good = await kl(right, 160);
    expect(good).toBeLessThan(0.02);
    expect(await kl(other, 160)).toBeGreaterThan(5 * good);
    // A larger budget is closer, a smaller one is still sane.
    expect(await kl(right, 320)).toBeLessThan(good);
    const tight = await kl(right, 64);
    expect(tight).toBeGreaterThan(good);
    expect(tight).toBeLessThan(0.5);
  });

  it('is calibrated to exactly these FCs', async () => {
    const documents = [1, 2, 3].map((seed) => new Random(100 + seed).tokens(300, 0, tinyTextTokens));
    const progress: number[] = [];
    const dominantFcs = plantedFcs(0, 0, headSize).length;
    const task = model.calibrate({ documents, dominantFcs, threads: 2 }, (share) => progress.push(share));
    expect(await task.promise).toEqual(planted);
    expect(progress.length).toBeGreaterThan(0);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBeCloseTo(1, 6);
    const again = await model.calibrate({ documents, dominantFcs, threads: 1 }, () => {}).promise;
    expect(again).toEqual(planted);
  });
});

describe('decoding with FASA', () => {
  const options: TinyModelOptions = { architecture: 'llama', heads: 4, kvHeads: 2, feedForward: 128 };
  const dominant = 16;
  let model: LaboratoryModel;
  let calibration: NativeCalibration;
  beforeAll(async () => {
    model = await workshop.model(options);
    calibration = evenCalibration(model, dominant);
  });
  const prompt = tokens.subarray(0, 280);
  const sparse = { attention: 'fasa-c', budget: 96 } as const;
  const fresh = () => workshop.context(model, { contextTokens, calibration });

  it('generates what its stepwise logits say, across the border of a page', async () => {
    const near = tokens.subarray(0, 380);
    const { tokens: generated } = await fresh().generate(greedy(near, 12, sparse), {}).promise;
    const whole = Int32Array.from([...near, ...generated]);
    const logits = await fasaLogits(fresh(), sparse.budget, whole, near.length);
    // The first token comes from the prefill, which is dense; the others from sparse steps.
    generated.subarray(1).forEach((token, i) => {
      const row = logits.subarray(i * model.info.vocabulary, (i + 1) * model.info.vocabulary);
      expect(Math.max(...row) - (row[token] ?? Number.NaN)).toBeLessThan(0.01);
    });
  });

  it.each([
    ['dense', 0],
    ['fasa-c', 39],
    // Steps see 281 to 319 cached tokens, themselves included: from 300 on they are sparse.
    ['auto', 20],
  ] as const)('%s: %d of 39 steps are sparse', async (attention, expected) => {
    const change = { attention, budget: 96, fasaFromTokens: 300 };
    const { stats } = await fresh().generate(greedy(prompt, 40, change), {}).promise;
    expect(stats.decodedTokens).toBe(40);
    expect(stats.fasaSteps).toBe(expected);
  });

  it('reads as many bytes as calculated', async () => {
    const { layers, kvHeads, headSize } = model.info;
    const channels = 2 * dominant;
    const rowBytes = headSize * 2 * 2;
    // int4 codes of 128 tokens, a scale and a minimum in f16 for each channel.
    const pageBytes = (128 / 2) * channels + 2 * 2 * channels;
    const cached = Array.from({ length: 39 }, (_, i) => prompt.length + 1 + i);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const dense = await fresh().generate(greedy(prompt, 40), {}).promise;
    expect(dense.stats.bytesReadPerToken).toBeCloseTo(mean(cached.map((n) => n * rowBytes * layers * kvHeads)), 3);

    const result = await fresh().generate(greedy(prompt, 40, sparse), {}).promise;
    const anchor = 4;
    const expected = cached.map((n) => {
      const pages = Math.floor((n - 1) / 128);
      const exact = n - 128 * pages + anchor;
      return (pages * pageBytes + exact * channels * 2 + sparse.budget * rowBytes) * layers * kvHeads;
    });
    expect(result.stats.bytesReadPerToken).toBeCloseTo(mean(expected), 3);
    expect(result.stats.bytesReadPerToken).toBeLessThan(0.6 * dense.stats.bytesReadPerToken);
  });

  it('holds as many bytes as calculated', async () => {
    const { kvBytesPerToken, layers, kvHeads } = model.info;
    const context = fresh();
    expect(context.usage()).toEqual({
      tokens: 0,
      contextTokens,
      fullBytes: 0,
      fastBytes: 0,
      slowBytes: 0,
      importanceBytes: 0,
    });
    await context.generate(greedy(prompt, 40, sparse), {}).promise;
    const held = prompt.length + 39;
    const importanceBytes = Math.floor(held / 128) * (64 * 32 + 4 * 32) * layers * kvHeads;
    expect(context.usage()).toEqual({
      tokens: held,
      contextTokens,
      fullBytes: held * kvBytesPerToken,
      fastBytes: held * kvBytesPerToken + importanceBytes,
      slowBytes: 0,
      importanceBytes,
    });
    const plain = workshop.context(model, { contextTokens });
    await plain.generate(greedy(prompt, 1), {}).promise;
    expect(plain.usage()).toMatchObject({ tokens: 280, importanceBytes: 0, fastBytes: 280 * kvBytesPerToken });
  });

  it('keeps importance keys in step with reused and replaced tokens', async () => {
    const context = fresh();
    await context.generate(greedy(tokens.subarray(0, 600), 5, sparse), {}).promise;
    const other = Int32Array.from([...tokens.subarray(0, 200), ...tokens.subarray(300, 600)]);
    const second = await context.generate(greedy(other, 30, sparse), {}).promise;
    expect(second.stats.reusedTokens).toBeGreaterThanOrEqual(200);
    const expected = await fresh().generate(greedy(other, 30, sparse), {}).promise;
    expect(second.tokens).toEqual(expected.tokens);
  });

  it('leaves nothing behind after a cancelled sparse step', async () => {
    const context = fresh();
    let seen = 0;
    const task = context.generate(greedy(prompt, 700, sparse), {
      onToken: () => {
        seen++;
        if (seen === 10) {
          task.cancel();
        }
      },
    });
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    const after = await context.generate(greedy(prompt, 30, sparse), {}).promise;
    const expected = await fresh().generate(greedy(prompt, 30, sparse), {}).promise;
    expect(after.stats.reusedTokens).toBe(prompt.length - 1);
    // Its first token comes from a sparse step here and from a dense prefill there.
    expect(after.tokens.length).toBe(expected.tokens.length);
    const again = await context.generate(greedy(prompt, 30, sparse), {}).promise;
    expect(again.tokens).toEqual(after.tokens);
  });

  it('gives the same with any number of threads', async () => {
    const short = tokens.subarray(0, 320);
    const one = model.createContext({ contextTokens, calibration, threads: 1 });
    const logits = await fasaLogits(one, 96, short, 300);
    one.dispose();
    for (const threads of [2, 3]) {
      const more = model.createContext({ contextTokens, calibration, threads });
      const { maxKl } = compareLogits(logits, await fasaLogits(more, 96, short, 300), model.info.vocabulary);
      expect(maxKl, `${threads} threads`).toBeLessThan(exactKl);
      more.dispose();
    }
  });

  it('works with a budget of one token, and with one of only anchor and window', async () => {
    const context = fresh();
    for (const budget of [1, 4, 5, 36, 37]) {
      const logits = await fasaLogits(context, budget, tokens.subarray(0, 300), 290);
      expect(logits.every((value) => Number.isFinite(value))).toBe(true);
    }
  });
});

describe('refused calibrations', () => {
  const fcs = [0, 3, 7, 30];
  const wrong: [string, unknown][] = [
    ['too few layers', [[fcs, fcs]]],
    [
      'too many layers',
      [
        [fcs, fcs],
        [fcs, fcs],
        [fcs, fcs],
      ],
    ],
    ['too few KV heads', [[fcs], [fcs]]],
    [
      'heads of different lengths',
      [
        [fcs, fcs],
        [fcs, [1, 2, 3]],
      ],
    ],
    [
      'an FC past the head',
      [
        [fcs, fcs],
        [fcs, [0, 3, 7, 32]],
      ],
    ],
    [
      'a negative FC',
      [
        [fcs, fcs],
        [fcs, [-1, 3, 7, 30]],
      ],
    ],
    [
      'FCs out of order',
      [
        [fcs, fcs],
        [fcs, [3, 0, 7, 30]],
      ],
    ],
    [
      'an FC twice',
      [
        [fcs, fcs],
        [fcs, [0, 3, 3, 30]],
      ],
    ],
    [
      'an FC that is no whole number',
      [
        [fcs, fcs],
        [fcs, [0, 3, 7.5, 30]],
      ],
    ],
    [
      'an FC that is a text',
      [
        [fcs, fcs],
        [fcs, [0, 3, 7, 'x']],
      ],
    ],
    [
      'no FCs',
      [
        [[], []],
        [[], []],
      ],
    ],
    ['no layers', []],
    ['numbers where layers are', [1, 2]],
    ['a text', 'dominant'],
    ['nothing', undefined],
  ];
  it.each(wrong)('%s', async (_, dominantFcs) => {
    const model = await workshop.model({ architecture: 'llama', heads: 4, kvHeads: 2, feedForward: 128 });
    const calibration = { dominantFcs } as NativeCalibration;
    const failure = await failureOf(() => model.createContext({ contextTokens: 64, threads: 1, calibration }));
    expect(failure.code).toBe('BAD_CALIBRATION');
  });

  it('calibrating without documents, from wrong tokens, or for more FCs than there are', async () => {
    const model = await workshop.model({ architecture: 'llama' });
    const calibrate = (documents: Int32Array[], dominantFcs: number) =>
      model.calibrate({ documents, dominantFcs, threads: 1 }, () => {});
    const document = tokens.subarray(0, 200);
    for (const [documents, dominantFcs] of [
      [[], 16],
      [[new Int32Array(0)], 16],
      [[Int32Array.of(5, -1)], 16],
      [[Int32Array.of(5, 100_000)], 16],
      [[document], 0],
      [[document], 33],
      [[document], Number.NaN],
    ] as [Int32Array[], number][]) {
      expect((await failureOf(() => calibrate(documents, dominantFcs))).code).toBe('BAD_ARGUMENT');
    }
    const task = calibrate(
      Array.from({ length: 40 }, () => tokens),
      16,
    );
    task.cancel();
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
  });
});
