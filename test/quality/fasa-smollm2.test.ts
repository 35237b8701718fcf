/** FASA on the default model and real code: a calibration from one source, decoding on another one. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { LaboratoryModel } from '../../bench/common/addon';
import type { NativeCalibration } from '../../language-server/engine/native/addon';
import { compareLogits, type LogitComparison } from '../native/tools/kl';
import { denseLogits, useWorkshop } from '../native/tools/workshop';
import { codeTokens, defaultModelFile, realCode } from './default-model';

const workshop = useWorkshop();
const contextTokens = 1024;
/** Decoded one by one at the end of so many tokens. */
const [documentTokens, steps] = [900, 32];
const from = documentTokens - steps;
/** Half of them. */
const dominantFcs = 16;

describe('the default model', { timeout: 240_000 }, () => {
  let model: LaboratoryModel;
  let calibration: NativeCalibration;
  let tokens: Int32Array;
  /** All positions in large micro-batches: what everything else is compared with. */
  let prefill: Float32Array;
  /** How far dense steps are from it: the floor, see parity-smollm2.test.ts. */
  let dense: LogitComparison;

  async function compare(budget: number, used: NativeCalibration): Promise<LogitComparison> {
    const context = workshop.context(model, { contextTokens, calibration: used });
    const options = { tokens, from, stepwise: true, attention: 'fasa-c', budget, fasaFromTokens: 0 } as const;
    const logits = await context.evaluate(options).promise;
    context.dispose();
    return compareLogits(prefill, logits, model.info.vocabulary);
  }

  beforeAll(async () => {
    model = await workshop.model(defaultModelFile());
    tokens = codeTokens(model, realCode[0], documentTokens);
    const context = workshop.context(model, { contextTokens });
    prefill = await denseLogits(context, tokens, from);
    dense = compareLogits(prefill, await denseLogits(context, tokens, from, true), model.info.vocabulary);
    context.dispose();
    const documents = [codeTokens(model, realCode[1], 512)];
    calibration = await model.calibrate({ documents, dominantFcs, threads: 1 }, () => {}).promise;
  }, 240_000);

  it('is as close as dense steps with a budget as large as the context', async () => {
    const { meanKl, agreement } = await compare(contextTokens, calibration);
    expect(meanKl).toBeLessThan(2 * dense.meanKl + 1e-3);
    expect(agreement).toBeGreaterThan(0.9);
  });

  it('stays close when a fifth of the tokens are read by the chosen FCs, but not by the others', async () => {
    const budget = Math.floor(documentTokens / 5);
    const chosen = await compare(budget, calibration);
    expect(chosen.meanKl).toBeLessThan(3 * dense.meanKl + 0.01);
    expect(chosen.agreement).toBeGreaterThan(0.85);

    const all = Array.from({ length: model.info.headSize / 2 }, (_, fc) => fc);
    const others = calibration.dominantFcs.map((heads) => heads.map((fcs) => all.filter((fc) => !fcs.includes(fc))));
    const { meanKl } = await compare(budget, { dominantFcs: others });
    expect(meanKl).toBeGreaterThan(4 * chosen.meanKl);
  });
});
