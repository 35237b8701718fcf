/** What FASA chooses and gives, against a decoder in plain TypeScript; and against what mistakes would give. */

import { describe, expect, it } from 'vitest';
import { type Choice, OneLayer } from './tools/brute-force';
import { compareLogits } from './tools/kl';
import { Random } from './tools/random';
import { type TinyModelOptions, tinyModelFile, tinyTextTokens, tinyVocabularySize } from './tools/tiny-model';
import { denseLogits, greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const tokens = new Random(31).tokens(420, 0, tinyTextTokens);
const from = 400;
const steps = tokens.length - from;

function logitsOf(layer: OneLayer, attended: (position: number) => readonly number[]): Float32Array {
  const out = new Float32Array(steps * tinyVocabularySize);
  for (let step = 0; step < steps; step++) {
    out.set(layer.logits(from + step, attended(from + step)), step * tinyVocabularySize);
  }
  return out;
}

describe.each(['llama', 'qwen2'] as const)('%s, one layer', (architecture) => {
  const options: TinyModelOptions = { architecture, layers: 1, heads: 4, kvHeads: 1, feedForward: 128, seed: 8 };
  const layer = new OneLayer(tinyModelFile(options), options, tokens);
  const fcs = Array.from({ length: 16 }, (_, i) => 2 * i + (i % 3 === 0 ? 1 : 0));
  const fasa = { fcs, anchor: 4, window: 32, scale: 1 / 8, sum: 'softmax', keys: 'importance' } as const;

  async function ours(budget: number): Promise<Float32Array> {
    const model = await workshop.model(options);
    const context = workshop.context(model, { contextTokens: 512, calibration: { dominantFcs: [[fcs]] } });
    const how = { from: 0, stepwise: true, attention: 'fasa-c', budget, fasaFromTokens: 0 } as const;
    return (await context.evaluate({ tokens, ...how }).promise).slice(from * tinyVocabularySize);
  }

  it('dense logits equal those of the formulas', async () => {
    const context = workshop.context(await workshop.model(options), { contextTokens: 512 });
    const expected = logitsOf(layer, (position) => Array.from({ length: position + 1 }, (_, token) => token));
    const { maxKl } = compareLogits(
      expected,
      (await denseLogits(context, tokens, 0)).slice(from * tinyVocabularySize),
      tinyVocabularySize,
    );
    expect(maxKl).toBeLessThan(1e-5);
  });

  it.each([48, 96])('a budget of %d selects the tokens that sorting all of them selects', async (budget) => {
    const actual = await ours(budget);
    const meanKl = (change: Partial<Choice>): number =>
      compareLogits(
        logitsOf(layer, (position) => layer.chosen(position, { budget, ...fasa, ...change })),
        actual,
        tinyVocabularySize,
      ).meanKl;
    // A query meets importance keys in 8 bits: at the border of the choice, a token may change places.
    const right = meanKl({});
    expect(right).toBeLessThan(3e-3);
    const mistakes: Record<string, Partial<Choice>> = {
      'predictions that are not scaled': { scale: 1 },
      'no window': { window: 0 },
      'half a window': { window: 16 },
      'no anchor': { anchor: 0 },
      'sums of raw predictions': { sum: 'raw' },
      'the first query head alone': { sum: 'first head' },
      'keys that are not quantized': { keys: 'exact' },
      'other FCs': { fcs: fcs.map((fc) => (fc + 1) % 32) },
    };
    for (const [name, mistake] of Object.entries(mistakes)) {
      expect(meanKl(mistake), name).toBeGreaterThan(8 * right);
    }
  });

  it.each(['dense', 'fasa-c'] as const)(
    'attention counts of decoded tokens on their own sequence equal the formulas: %s',
    async (attention) => {
      const [model, budget] = [await workshop.model(options), 64];
      const calibration = attention === 'dense' ? {} : { calibration: { dominantFcs: [[fcs]] } };
      const context = workshop.context(model, { contextTokens: 512, ...calibration });
      const result = await context.generate(greedy(tokens, 40, { attention, budget, countAttention: true }), {})
        .promise;
      const whole = Int32Array.from([...tokens, ...result.tokens]);
      const answered = new OneLayer(tinyModelFile(options), options, whole);
      // the last token is never fed
      const expected = new Float64Array(Math.ceil((whole.length - 1) / 16));
      for (let position = tokens.length; position < whole.length - 1; position++) {
        const all = Array.from({ length: position + 1 }, (_, token) => token);
        const attended = attention === 'dense' ? all : answered.chosen(position, { budget, ...fasa });
        for (const weights of answered.weights(position, attended)) {
          for (const [i, token] of attended.entries()) {
            if (token >= fasa.anchor && token <= position - fasa.window) {
              expected[token >> 4] = (expected[token >> 4] ?? 0) + (weights[i] ?? 0);
            }
          }
        }
      }
      const total = expected.reduce((sum, share) => sum + share, 0);
      expect(result.chunkAttention).toEqual([]);
      const shares = [...(result.ownAttention ?? [])];
      expect(shares).toHaveLength(expected.length);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
      // at the border of the choice, a token may change places
      const different = shares.reduce((sum, share, i) => sum + Math.abs(share - (expected[i] ?? 0) / total), 0) / 2;
      expect(different).toBeLessThan(attention === 'dense' ? 1e-3 : 0.05);
      // beside the last blocks, which the window holds back, no two blocks have the same
      expect(new Set(shares.slice(0, 24)).size).toBe(24);
    },
  );

  it('a budget is kept exactly', async () => {
    const budget = 48;
    const actual = await ours(budget);
    const distances = [47, 48, 49].map(
      (read) =>
        compareLogits(
          logitsOf(layer, (position) => layer.chosen(position, { ...fasa, budget: read })),
          actual,
          tinyVocabularySize,
        ).meanKl,
    );
    expect(Math.min(...distances)).toBe(distances[1]);
  });
});
