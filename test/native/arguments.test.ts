/** What callers may get wrong: each is refused with BAD_ARGUMENT (or a code that says more), and the addon goes on. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { LaboratoryContext, LaboratoryModel } from '../../bench/common/addon';
import type { NativeGenerateOptions } from '../../language-server/engine/native/addon';
import { tinyVocabularySize } from './tools/tiny-model';
import { denseLogits, failureOf, greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const tokens = Int32Array.of(72, 101, 108, 108, 111);

let model: LaboratoryModel;
let context: LaboratoryContext;
beforeAll(async () => {
  model = await workshop.model({ architecture: 'qwen2' });
  context = workshop.context(model, { contextTokens: 64 });
});

describe('generate refuses or handles', () => {
  const wrong: [string, Partial<Record<keyof NativeGenerateOptions, unknown>>][] = [
    ['no tokens', { tokens: new Int32Array(0) }],
    ['a token past the vocabulary', { tokens: Int32Array.of(1, tinyVocabularySize) }],
    ['a negative token', { tokens: Int32Array.of(1, -1) }],
    ['tokens as a list', { tokens: [1, 2, 3] }],
    ['tokens as floats', { tokens: Float32Array.of(1, 2) }],
    ['tokens missing', { tokens: undefined }],
    ['a negative limit', { maxTokens: -1 }],
    ['a limit that is no number', { maxTokens: Number.NaN }],
    ['a limit that is a text', { maxTokens: 'ten' }],
    ['an unknown attention', { attention: 'sparse' }],
    ['no sampling', { sampling: undefined }],
    ['a temperature that is no number', { sampling: { temperature: Number.NaN, topK: 0, topP: 1, seed: 1 } }],
    ['a negative temperature', { sampling: { temperature: -1, topK: 0, topP: 1, seed: 1 } }],
    ['stop tokens that are none', { stopTokens: 'stop' }],
    ['a stop token that is a text', { stopTokens: ['x'] }],
    ['a budget of nothing', { budget: 0 }],
    ['a budget that is no number', { budget: Number.NaN }],
  ];
  it.each(wrong)('%s', async (_, change) => {
    const options = { ...greedy(tokens, 4), ...change } as NativeGenerateOptions;
    expect((await failureOf(() => context.generate(options, {}))).code).toBe('BAD_ARGUMENT');
  });

  it('no options at all, no events, a context method on something else', async () => {
    const { generate } = context as unknown as { generate(...given: unknown[]): unknown };
    for (const given of [[], [undefined], [null, null], [42], ['text', {}], [greedy(tokens, 2), 42]]) {
      expect((await failureOf(() => generate.call(context, ...given))).code).toBe('BAD_ARGUMENT');
    }
    await expect(async () => generate.call({}, greedy(tokens, 2), {})).rejects.toThrow();
  });

  it('FASA without a calibration', async () => {
    const failure = await failureOf(() => context.generate(greedy(tokens, 2, { attention: 'fasa-c' }), {}));
    expect(failure.code).toBe('BAD_CALIBRATION');
  });

  it('auto without a calibration, by dense attention', async () => {
    const { stats } = await context.generate(greedy(tokens, 4, { attention: 'auto', fasaFromTokens: 0 }), {}).promise;
    expect(stats.fasaSteps).toBe(0);
  });

  it('maxTokens of 0, by prefilling the prompt and returning nothing', async () => {
    const result = await context.generate(greedy(tokens, 0), {}).promise;
    expect(result.tokens).toHaveLength(0);
    expect(result.reason).toBe('length');
  });

  it('a listener that throws, without ending the process or the generation', async () => {
    const thrown: unknown[] = [];
    const listener = (error: unknown) => thrown.push(error);
    // Vitest listens, too: its listeners would count the error as a failed test.
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', listener);
    const onToken = () => {
      throw new Error('a mistake in a listener');
    };
    const result = await context.generate(greedy(tokens, 3), { onToken }).promise;
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('uncaughtException', listener);
    for (const other of others) {
      process.on('uncaughtException', other);
    }
    expect(result.tokens).toHaveLength(3);
  });
});

describe('evaluate refuses', () => {
  it.each([-1, 5, 6, 1.5, Number.NaN])('logits from position %d of 5', async (from) => {
    expect((await failureOf(() => denseLogits(context, tokens, from))).code).toBe('BAD_ARGUMENT');
  });

  it('more tokens than the context holds', async () => {
    expect((await failureOf(() => denseLogits(context, new Int32Array(65)))).code).toBe('CONTEXT_FULL');
  });
});

describe('createContext refuses', () => {
  it.each([
    { contextTokens: 0, threads: 1 },
    { contextTokens: -5, threads: 1 },
    { contextTokens: Number.NaN, threads: 1 },
    { contextTokens: 64, threads: 0 },
    { contextTokens: 64, threads: 100_000 },
    { contextTokens: 64, threads: 1, microBatch: 0 },
    { contextTokens: 64, threads: 1, microBatch: -3 },
  ])('%o', async (options) => {
    expect((await failureOf(() => model.createContext(options))).code).toBe('BAD_ARGUMENT');
  });

  it('a context that does not fit into memory', async () => {
    const failure = await failureOf(() => model.createContext({ contextTokens: 2_000_000_000, threads: 1 }));
    expect(['OUT_OF_MEMORY', 'BAD_ARGUMENT']).toContain(failure.code);
  });
});

describe('the tokenizer', () => {
  it('round-trips any bytes', () => {
    for (const text of ['const x = 1;\n', 'return the  value', 'naïve – 日本語 🙂', '\u0000\u0001\r\n\t', '']) {
      const ids = model.tokenize(text, false);
      const bytes = Buffer.concat([...ids].map((id) => model.tokenBytes(id)));
      expect(bytes.toString('utf8')).toBe(text);
    }
  });

  it('uses the merges of the file', () => {
    expect([...model.tokenize('return', false)]).toHaveLength(1);
  });

  it('parses special tokens only when asked, and gives their text', () => {
    const text = '<|im_end|>';
    const [id, ...rest] = model.tokenize(text, true);
    expect(rest).toEqual([]);
    expect(id).toBe(model.info.tokens.eos);
    expect(Buffer.from(model.tokenBytes(id ?? -1)).toString()).toBe(text);
    const plain = model.tokenize(text, false);
    expect(plain.length).toBeGreaterThan(1);
    expect([...plain]).not.toContain(id);
  });

  it('adds no BOS', () => {
    expect(model.info.tokens.addBos).toBe(true);
    expect([...model.tokenize('a', true)]).toEqual([97]);
  });

  it('turns a lone surrogate into a replacement character', () => {
    const ids = model.tokenize('a\ud800b', false);
    expect(Buffer.concat([...ids].map((id) => model.tokenBytes(id))).toString('utf8')).toMatch(/^a.+b$/u);
  });

  it.each([-1, tinyVocabularySize, 2 ** 31, 1.5, Number.NaN])('refuses token %d, which does not exist', async (id) => {
    expect((await failureOf(() => model.tokenBytes(id))).code).toBe('BAD_ARGUMENT');
  });

  it('refuses a text of more than 4 MiB', async () => {
    expect((await failureOf(() => model.tokenize('a'.repeat(4 * 1024 * 1024 + 1), false))).code).toBe('TEXT_TOO_LONG');
  });

  it('refuses values that are not text', async () => {
    const { tokenize } = model as unknown as { tokenize(...given: unknown[]): unknown };
    for (const given of [[], [42, false], [null, true]]) {
      expect((await failureOf(() => tokenize.call(model, ...given))).code).toBe('BAD_ARGUMENT');
    }
  });
});

describe('model info', () => {
  it('is what the file says, whether loaded or only inspected', async () => {
    const file = workshop.file({ architecture: 'qwen3', heads: 4, kvHeads: 2, fim: true, chatTemplate: '{{ bos }}' });
    const inspected = workshop.addon.inspectModel(file);
    expect(inspected).toMatchObject({
      path: file,
      name: 'Tiny qwen3',
      architecture: 'qwen3',
      quantization: 'f32',
      trainedContext: 2048,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headSize: 64,
      embedding: 256,
      vocabulary: tinyVocabularySize,
      ropeLayout: 'neox',
      // K and V, 2 bytes each, of 2 layers and 2 KV heads of 64.
      kvBytesPerToken: 2 * 2 * 2 * 2 * 64,
      chatTemplate: '{{ bos }}',
    });
    expect(inspected.tokens).toMatchObject({ addBos: true, bos: tinyVocabularySize - 8, eos: tinyVocabularySize - 6 });
    expect(inspected.tokens.fimPrefix).toBe(tinyVocabularySize - 5);
    expect(inspected.tokens.fimMiddle).toBe(tinyVocabularySize - 4);
    expect(inspected.tokens.fimSuffix).toBe(tinyVocabularySize - 3);
    expect(inspected.tokens.fimRepository).toBe(tinyVocabularySize - 2);
    expect(inspected.tokens.fimSeparator).toBe(tinyVocabularySize - 1);
    expect(inspected.tokens.endOfGeneration).toContain(inspected.tokens.eos);
    expect(inspected.tokens.control).toContain(inspected.tokens.eos);
    expect((await workshop.model(file)).info).toEqual(inspected);
  });

  it('has the same fingerprint for the same content, and another for other weights', () => {
    const fingerprint = (seed: number) =>
      workshop.addon.inspectModel(workshop.file({ architecture: 'llama', seed })).fingerprint;
    const again = workshop.addon.inspectModel(workshop.file({ architecture: 'llama', seed: 1, layers: 2 })).fingerprint;
    expect(fingerprint(1)).toBe(again);
    expect(fingerprint(1)).not.toBe(fingerprint(2));
  });
});
