/**
 * The project's foundation: our decoder graph gives what libllama gives, for the same file and the same tokens.
 * Each case is a small model with random weights; every position of a token sequence is compared.
 */

import { describe, expect, it } from 'vitest';
import { compareLogits } from './tools/kl';
import { Random } from './tools/random';
import { type TinyModelOptions, tinyTextTokens } from './tools/tiny-model';
import { denseLogits, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();

/** More than one page of the KV cache, and more than one warp of any kernel. */
const sequenceTokens = 160;

/**
 * `kl` in nats at the worst position. `noise`: differences of logits that only come from the order of sums (and, for
 * quantized weights, from activations that are rounded); a reference that prefers a token by more must be followed.
 */
const bounds = { f32: { kl: 1e-6, noise: 0.01 }, quantized: { kl: 1e-3, noise: 0.15 } } as const;

async function expectParity(options: TinyModelOptions): Promise<void> {
  const file = workshop.file(options);
  const tokens = new Random(7).tokens(sequenceTokens, 0, tinyTextTokens);
  const model = await workshop.model(options);
  const context = workshop.context(model, { contextTokens: 256 });
  const reference = await workshop.reference(file, 256);
  const expected = await reference.evaluate(tokens, 0).promise;
  const actual = await denseLogits(context, tokens);
  const { maxKl, disagreements } = compareLogits(expected, actual, model.info.vocabulary);
  const bound = (options.quantization ?? 'f32') === 'f32' ? bounds.f32 : bounds.quantized;
  expect(maxKl).toBeLessThan(bound.kl);
  expect(disagreements.filter(({ margin }) => !(margin <= bound.noise))).toEqual([]);
}

const architectures = ['llama', 'qwen2', 'qwen3'] as const;

describe.each(architectures)('%s has the logits of libllama', (architecture) => {
  it.each(['f32', 'f16', 'q8_0', 'q4_0', 'q4_1', 'q4_k', 'q6_k'] as const)('with %s weights', async (quantization) => {
    await expectParity({ architecture, quantization, heads: 4, kvHeads: 2 });
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('when %d query heads share a KV head', async (group) => {
    await expectParity({ architecture, heads: group, kvHeads: 1, feedForward: 128 });
  });

  it.each([64, 128] as const)('with heads of %d dimensions and three KV heads', async (headSize) => {
    await expectParity({ architecture, headSize, heads: 6, kvHeads: 3, feedForward: 256 });
  });

  it('with as many KV heads as query heads', async () => {
    await expectParity({ architecture, heads: 4, kvHeads: 4 });
  });

  it.each([true, false])('with a tied output: %s', async (tied) => {
    await expectParity({ architecture, tied, layers: 3 });
  });

  it.each([true, false])('with a bias of Q, K and V: %s', async (bias) => {
    await expectParity({ architecture, bias, heads: 2, kvHeads: 2 });
  });

  it.each([
    ['a base of 1,000,000', { ropeBase: 1e6 }],
    ['scaling none, which ignores its factor', { ropeScaling: { type: 'none', factor: 4 } }],
    ['linear scaling', { ropeScaling: { type: 'linear', factor: 4 } }],
    ['YaRN', { ropeScaling: { type: 'yarn', factor: 4, originalContext: 64 } }],
    ['YaRN of a factor below one', { ropeScaling: { type: 'yarn', factor: 0.5, originalContext: 512 } }],
    [
      'YaRN with a factor on the attention',
      { ropeScaling: { type: 'yarn', factor: 8, originalContext: 32, extra: { attn_factor: 0.8 } } },
    ],
  ] as const)('RoPE: %s', async (_, rope) => {
    await expectParity({ architecture, ...rope });
  });

  it('when quantized with a tied output of another type', async () => {
    const mixed = { quantization: 'q4_0', outputQuantization: 'q8_0', tied: true } as const;
    await expectParity({ architecture, heads: 4, kvHeads: 2, ...mixed });
  });
});

describe('features of some architectures match libllama', () => {
  it('llama: frequency factors (rope_freqs)', async () => {
    const ropeFactors = Array.from({ length: 32 }, (_, i) => (i < 8 ? 1 : i < 16 ? 1 + (i - 8) : 8));
    await expectParity({ architecture: 'llama', ropeFactors, ropeBase: 500_000 });
    await expectParity({ architecture: 'llama', ropeFactors, ropeScaling: { type: 'linear', factor: 2 } });
  });

  it.each(['llama', 'qwen2'] as const)('%s: the rarer biases', async (architecture) => {
    await expectParity({ architecture, extraBias: true });
  });

  it.each(['llama', 'qwen3'] as const)('%s: heads that do not add up to the embedding size', async (architecture) => {
    await expectParity({ architecture, embedding: 96, heads: 3, kvHeads: 1 });
    await expectParity({ architecture, embedding: 256, heads: 3, kvHeads: 1, headSize: 128 });
  });
});

/**
 * ggml's fused attention sums the values of a few queries in f16 and of many in f32, so sizes of micro-batches differ by
 * more than our graph and libllama do on the same ones.
 */
const batchKl = 1e-4;
const batchNoise = 0.05;

describe('micro-batches', () => {
  it.each(architectures)('of any size equal decoding one by one: %s', async (architecture) => {
    const model = await workshop.model({ architecture, heads: 3, kvHeads: 1, feedForward: 128 });
    const tokens = new Random(11).tokens(300, 0, tinyTextTokens);
    const single = workshop.context(model, { contextTokens: 512 });
    const oneByOne = await denseLogits(single, tokens, 0, true);
    for (const microBatch of [1, 7, 64, 512]) {
      const context = workshop.context(model, { contextTokens: 512, microBatch });
      const { maxKl, disagreements } = compareLogits(
        oneByOne,
        await denseLogits(context, tokens),
        model.info.vocabulary,
      );
      expect(maxKl, `micro-batches of ${microBatch}`).toBeLessThan(batchKl);
      expect(disagreements.filter(({ margin }) => !(margin <= batchNoise))).toEqual([]);
      context.dispose();
    }
  });

  it('give the same logits from any position on', async () => {
    const model = await workshop.model({ architecture: 'llama', heads: 3, kvHeads: 1, feedForward: 128 });
    const tokens = new Random(12).tokens(100, 0, tinyTextTokens);
    const context = workshop.context(model, { contextTokens: 128 });
    const all = await denseLogits(context, tokens);
    for (const from of [1, 63, 99]) {
      const some = await denseLogits(context, tokens, from);
      const { maxKl } = compareLogits(all.subarray(from * model.info.vocabulary), some, model.info.vocabulary);
      expect(maxKl, `from ${from}`).toBeLessThan(batchKl);
    }
  });
});

describe('the comparison', () => {
  it('distinguishes a model from one with other weights and from the other RoPE layout', async () => {
    const options: TinyModelOptions = { architecture: 'llama', heads: 3, kvHeads: 1, feedForward: 128 };
    const tokens = new Random(7).tokens(64, 0, tinyTextTokens);
    const logitsOf = async (change: Partial<TinyModelOptions>) => {
      const model = await workshop.model({ ...options, ...change });
      return denseLogits(workshop.context(model, { contextTokens: 64 }), tokens);
    };
    const own = await logitsOf({});
    const vocabulary = own.length / tokens.length;
    // A slightly wrong frequency is the least of the mistakes that a graph can make.
    for (const change of [{ seed: 2 }, { ropeBase: 9_900 }] as const) {
      expect(compareLogits(own, await logitsOf(change), vocabulary).maxKl).toBeGreaterThan(1e-4);
    }
    // Without bias the qwen2 file holds the same tensors: only the pairs of dimensions differ.
    const neox = await logitsOf({ architecture: 'qwen2', bias: false });
    expect(compareLogits(own, neox, vocabulary).maxKl).toBeGreaterThan(1e-4);
  });
});
