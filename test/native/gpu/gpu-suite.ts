/**
 * The GPU path, of ggml's own ops: token for token what the CPU path gives. Run by files of their own for each device, for
 * ggml looks for devices once, and Mesa's llvmpipe (22.3.6) faults when a process has used too many of ggml's shaders.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LaboratoryContext, LaboratoryModel } from '../../../bench/common/addon';
import { bestToken } from '../../../bench/common/compare-logits';
import type { NativeCalibration, NativeContextOptions } from '../../../language-server/engine/native/addon';
import { compareLogits } from '../tools/kl';
import { Random } from '../tools/random';
import { type TinyModelOptions, tinyTextTokens } from '../tools/tiny-model';
import { denseLogits, failureOf, greedy, threads, useWorkshop } from '../tools/workshop';

const workshop = useWorkshop();
const contextTokens = 512;
const prompt = new Random(5).tokens(300, 0, tinyTextTokens);
const steps = 12;
const budget = 96;

function evenCalibration({ info }: LaboratoryModel, fcs: number): NativeCalibration {
  const one = Array.from({ length: fcs }, (_, i) => Math.floor((i * info.headSize) / 2 / fcs));
  return { dominantFcs: Array.from({ length: info.layers }, () => Array.from({ length: info.kvHeads }, () => one)) };
}

export const gpuShapes = {
  plain: { architecture: 'llama', heads: 6, kvHeads: 2, feedForward: 128 },
  quantized: { architecture: 'llama', heads: 3, kvHeads: 1, quantization: 'q4_1', tied: true },
  biased: { architecture: 'qwen2', heads: 4, kvHeads: 2, quantization: 'q8_0' },
  large: { architecture: 'qwen3', heads: 4, kvHeads: 1, headSize: 128, feedForward: 128 },
} satisfies Record<string, TinyModelOptions>;

function opener(device: string) {
  const models: LaboratoryModel[] = [];
  afterAll(() => {
    for (const model of models) {
      model.dispose();
    }
  });
  return async (options: TinyModelOptions): Promise<LaboratoryModel> => {
    const model = await workshop.addon.loadModel({ path: workshop.file(options), device }, () => {}).promise;
    models.push(model);
    return model;
  };
}

/** Logits and tokens of models of these shapes. */
export function describeModels(device: string, shapes: readonly TinyModelOptions[]): void {
  const brief = device !== 'CPU';
  const onDevice = opener(device);

  it('is listed, and marked if it is a software driver', () => {
    const listed = workshop.addon.devices().find(({ name }) => name === device);
    expect(listed).toMatchObject(device === 'CPU' ? { kind: 'cpu', software: false } : { kind: 'gpu', software: true });
    expect(listed?.memoryTotal).toBeGreaterThan(0);
  });

  describe.each(shapes)('%o', (options) => {
    let cpu: LaboratoryModel;
    let gpu: LaboratoryModel;
    let calibration: NativeCalibration;
    beforeAll(async () => {
      cpu = await workshop.model(options);
      gpu = await onDevice(options);
      calibration = evenCalibration(cpu, cpu.info.headSize / 4);
    });
    const opened: LaboratoryContext[] = [];
    afterEach(() => {
      for (const one of opened.splice(0)) {
        one.dispose();
      }
    });
    const context = (model: LaboratoryModel, more: Partial<NativeContextOptions> = {}) => {
      const one = model.createContext({ threads, contextTokens, calibration, microBatch: 128, ...more });
      opened.push(one);
      return one;
    };
    /** Products of quantized weights round activations to 8 bits on the CPU, and not on the device. */
    const most = options.quantization === undefined ? { kl: 1e-3, margin: 0.1 } : { kl: 2e-2, margin: 0.6 };

    it('gives the logits of the CPU with dense attention', async () => {
      const from = prompt.length - 16;
      const there = await denseLogits(context(gpu), prompt, from);
      const here = await denseLogits(context(cpu), prompt, from);
      const { maxKl, disagreements } = compareLogits(here, there, cpu.info.vocabulary);
      expect(maxKl).toBeLessThan(most.kl);
      expect(disagreements.filter(({ margin }) => !(margin <= most.margin))).toEqual([]);
    });

    /** What the CPU, fed the same tokens with the same choice of FCs at the same precision, would have decoded. */
    async function expectSameTokens(
      there: LaboratoryContext,
      attention: 'dense' | 'fasa-c',
      budget: number,
    ): Promise<void> {
      // the prompt's last token by a step, as here below
      await there.generate(greedy(prompt.slice(0, -1), 1), {}).promise;
      const { tokens, stats } = await there.generate(greedy(prompt, steps, { attention, budget }), {}).promise;
      expect(tokens).toHaveLength(steps);
      expect(stats.fasaSteps).toBe(attention === 'dense' ? 0 : steps - 1);
      const fed = Int32Array.from([...prompt, ...tokens.slice(0, -1)]);
      const logits = await context(cpu).evaluate({
        tokens: fed,
        from: prompt.length - 1,
        stepwise: true,
        attention,
        budget,
        fasaFromTokens: 0,
        policy: attention === 'dense' ? 'fasa' : 'fasa-f16',
      }).promise;
      const { vocabulary } = cpu.info;
      const surprises = [...tokens].flatMap((token, i) => {
        const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
        const margin = (row[bestToken(row)] ?? 0) - (row[token] ?? 0);
        return margin > most.margin ? [{ i, token, margin }] : [];
      });
      expect(surprises).toEqual([]);
    }

    it('decodes the tokens of the CPU with dense attention', () => expectSameTokens(context(gpu), 'dense', budget));
    it('decodes the tokens of the CPU with FASA', () => expectSameTokens(context(gpu), 'fasa-c', budget));
    it.skipIf(brief)('decodes the tokens of the CPU with a budget smaller than the window', () =>
      expectSameTokens(context(gpu), 'fasa-c', 20),
    );
    it('decodes the tokens of the CPU with keys and values in host memory', () =>
      expectSameTokens(context(gpu, { tier: 'fasa-m' }), 'fasa-c', budget));

    it.skipIf(brief)('decodes the same with keys and values on the device and in host memory', async () => {
      const run = async (tier: 'fasa-c' | 'fasa-m') => {
        const one = context(gpu, { tier });
        const { tokens } = await one.generate(greedy(prompt, steps, { attention: 'fasa-c', budget }), {}).promise;
        return { tokens, usage: one.usage() };
      };
      const [device, host] = [await run('fasa-c'), await run('fasa-m')];
      expect(host.tokens).toEqual(device.tokens);
      const { fullBytes, importanceBytes } = device.usage;
      expect(device.usage).toMatchObject({ fastBytes: fullBytes + importanceBytes, slowBytes: 0 });
      expect(host.usage).toMatchObject({ fastBytes: importanceBytes, slowBytes: fullBytes });
    });
  });
}

/** What a context does beside: reuse, cancel, timing, measuring, refusing. */
export function describeSequence(device: string): void {
  const onDevice = opener(device);
  describe('a sequence', () => {
    const options: TinyModelOptions = { architecture: 'llama', heads: 4, kvHeads: 2, feedForward: 128 };
    let gpu: LaboratoryModel;
    let context: LaboratoryContext;
    beforeAll(async () => {
      gpu = await onDevice(options);
      context = workshop.context(gpu, { contextTokens, calibration: evenCalibration(gpu, 16), microBatch: 64 });
    });

    it('reuses its cache and gives the same again', async () => {
      const first = await context.generate(greedy(prompt, 8), {}).promise;
      const again = await context.generate(greedy(prompt, 8), {}).promise;
      expect(again.tokens).toEqual(first.tokens);
      expect(again.stats).toMatchObject({ reusedTokens: prompt.length - 1, fedTokens: 1 });
      const shorter = await context.generate(greedy(prompt.slice(0, 150), 4), {}).promise;
      expect(shorter.stats.reusedTokens).toBe(149);
    });

    it('stops between two micro-batches when cancelled, and continues later', async () => {
      context.clear();
      const task = context.generate(greedy(prompt, 200), { onToken: () => task.cancel() });
      await expect(task.promise).rejects.toMatchObject({ code: 'CANCELLED' });
      const { stats } = await context.generate(greedy(prompt, 2), {}).promise;
      expect(stats.reusedTokens).toBe(prompt.length - 1);
    });

    it('times steps deeper than the prefilled tokens, and measures', async () => {
      const common = { tokens: prompt.slice(0, 64), depth: 480, steps: 3, budget: 64, fasaFromTokens: 0 };
      const timing = await context.timeSteps({ ...common, attention: 'fasa-c' }).promise;
      expect(timing.stepMs).toHaveLength(3);
      expect(timing.fasaSteps).toBe(3);
      expect(timing.bytesReadPerToken).toBeLessThan(gpu.info.kvBytesPerToken * 480);
      await context.generate(greedy(prompt, 1), {}).promise;
      const measured = await context.measure({ steps: 4, budget: 128, priority: 0 }).promise;
      expect(measured.tokens).toBe(prompt.length - 4);
      expect(measured.kl).toHaveLength(4);
      expect(Math.max(...measured.kl)).toBeLessThan(1);
    });

    it('refuses what it cannot do', async () => {
      const { addon } = workshop;
      const path = workshop.file(options);
      const unknown = await failureOf(() => addon.loadModel({ path, device: 'CUDA7' }, () => {}));
      expect(unknown).toMatchObject({ code: 'BAD_ARGUMENT' });
      expect(unknown.message).toContain(device);
      const calibrating = { documents: [prompt], dominantFcs: 16, threads };
      expect(await failureOf(() => gpu.calibrate(calibrating, () => {}))).toMatchObject({ code: 'BAD_ARGUMENT' });
      const other = {
        tokens: prompt,
        from: 290,
        stepwise: true,
        attention: 'fasa-c',
        budget: 64,
        fasaFromTokens: 0,
      } as const;
      expect(await failureOf(() => context.evaluate({ ...other, policy: 'quest' }))).toMatchObject({
        code: 'BAD_ARGUMENT',
      });
      const plain = workshop.context(gpu, { contextTokens });
      expect(await failureOf(() => plain.generate(greedy(prompt, 2, { attention: 'fasa-c' }), {}))).toMatchObject({
        code: 'BAD_CALIBRATION',
      });
    });
  });
}
