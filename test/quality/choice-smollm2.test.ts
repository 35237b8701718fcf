/** The shipped calibration of the default model, on code that it was not made from: as good as exact logits, nearly. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { ChoicePolicy, LaboratoryContext, LaboratoryModel } from '../../bench/common/addon';
import type { Comparison } from '../../bench/common/compare-logits';
import { compareLogits } from '../../bench/common/compare-logits';
import { mean } from '../../bench/common/statistics';
import { findCalibration } from '../../language-server/engine/calibration/calibration';
import type { NativeCalibration } from '../../language-server/engine/native/addon';
import { useWorkshop } from '../native/tools/workshop';
import { codeTokens, defaultModelFile, realCode } from './default-model';

const workshop = useWorkshop();
const [documentTokens, steps, budget] = [1537, 96, 256];
/** The last token is only predicted. */
const fed = documentTokens - 1;
const from = fed - steps;

describe('selecting 256 of 1,500 tokens', { timeout: 300_000 }, () => {
  let model: LaboratoryModel;
  let calibration: NativeCalibration;
  let tokens: Int32Array;
  let context: LaboratoryContext;
  let dense: Float32Array;
  const results = new Map<ChoicePolicy, Comparison>();

  async function run(used: LaboratoryContext, policy: ChoicePolicy): Promise<Comparison> {
    const options = { stepwise: true, attention: 'fasa-c', budget, fasaFromTokens: 0 } as const;
    const logits = await used.evaluate({ tokens: tokens.subarray(0, fed), from, policy, ...options }).promise;
    return compareLogits(dense, logits, model.info.vocabulary, tokens.subarray(from + 1));
  }

  beforeAll(async () => {
    model = await workshop.model(defaultModelFile());
    const shipped = await findCalibration(model.info);
    if (shipped === undefined) {
      throw new Error(`No calibration is shipped for the fingerprint ${model.info.fingerprint}.`);
    }
    calibration = shipped;
    tokens = codeTokens(model, realCode[0], documentTokens);
    context = workshop.context(model, { contextTokens: fed, calibration });
    const options = { stepwise: true, attention: 'dense', budget, fasaFromTokens: 0 } as const;
    dense = await context.evaluate({ tokens: tokens.subarray(0, fed), from, ...options }).promise;
    for (const policy of ['fasa', 'oracle', 'streaming'] as const) {
      results.set(policy, await run(context, policy));
    }
  }, 300_000);

  const meanKl = (policy: ChoicePolicy) => mean(results.get(policy)?.kl ?? []);
  const agreement = (policy: ChoicePolicy) => (results.get(policy)?.agreeing ?? 0) / steps;

  it('stays close to dense attention', () => {
    expect(meanKl('fasa')).toBeLessThan(0.02);
    expect(agreement('fasa')).toBeGreaterThan(0.9);
    const { nll = [], referenceNll = [] } = results.get('fasa') ?? {};
    expect(Math.abs(mean(nll) / mean(referenceNll) - 1)).toBeLessThan(0.04);
  });

  it('is between exact logits and recent tokens only, and much closer to exact logits', () => {
    expect(meanKl('oracle')).toBeLessThan(1.2 * meanKl('fasa'));
    expect(meanKl('fasa')).toBeLessThan(2.5 * meanKl('oracle') + 1e-3);
    expect(meanKl('streaming')).toBeGreaterThan(5 * meanKl('fasa'));
    expect(agreement('streaming')).toBeLessThan(agreement('fasa'));
  });

  it('fails with the frequency chunks that calibration did not choose', async () => {
    const all = Array.from({ length: model.info.headSize / 2 }, (_, fc) => fc);
    const others = calibration.dominantFcs.map((heads) => heads.map((fcs) => all.filter((fc) => !fcs.includes(fc))));
    const other = workshop.context(model, { contextTokens: fed, calibration: { dominantFcs: others } });
    expect(mean((await run(other, 'fasa')).kl)).toBeGreaterThan(3 * meanKl('fasa'));
  });
});
