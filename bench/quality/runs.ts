/** The runs that an evaluation compares: dense steps, and steps under each policy, from one prefilled cache. */

import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import { cancellable } from '../../language-server/engine/cancellable';
import type { ChoicePolicy, LaboratoryContext } from '../common/addon';

/** `batched`: the last tokens as one dense micro-batch, whose difference to single dense steps is rounding. */
export type EvalPolicy = ChoicePolicy | 'batched';

const policyNames: readonly EvalPolicy[] = [
  // in this order: those that need the prefill's queries first, so that it is done once
  'paper',
  'paper-kv',
  'fasa',
  'fasa-f16',
  'oracle',
  'quest',
  'streaming',
  'batched',
];

/** @throws EngineError USAGE */
export function choosePolicies({ policies = ['fasa'] }: CommandLine): EvalPolicy[] {
  for (const policy of policies) {
    if (!policyNames.some((name) => name === policy)) {
      throw usageError(`--policy must be of ${policyNames.join(', ')}, not "${policy}".`);
    }
  }
  return policyNames.filter((name) => policies.includes(name));
}

/** Bytes that predicting reads, per cached token and KV head. */
export function predictorBytes(policy: EvalPolicy, headSize: number, group: number, dominantFcs: number): number {
  switch (policy) {
    case 'fasa':
      // int4, and a scale and a minimum in f16 for each channel and 128 tokens
      return 2 * dominantFcs * (1 / 2 + 4 / 128);
    case 'fasa-f16':
      return 2 * dominantFcs * 2;
    case 'paper':
      // each query head's own quarter, at most all
      return Math.min(2 * headSize, group * (headSize / 2));
    case 'paper-kv':
      return headSize / 2;
    case 'quest':
      return (2 * 2 * headSize) / 16;
    case 'streaming':
      return 0;
    default:
      return 2 * headSize;
  }
}

export interface Steps {
  readonly tokens: Int32Array;
  /** Positions from here on are fed one by one. */
  readonly from: number;
  readonly budget: number;
}

/** Logits of the positions from `from` on. */
export function runPolicy(
  context: LaboratoryContext,
  policy: EvalPolicy,
  { tokens, from, budget }: Steps,
  signal: AbortSignal,
): Promise<Float32Array> {
  const fixed = { tokens, from, budget, fasaFromTokens: 0 };
  const task =
    policy === 'batched'
      ? context.evaluate({ ...fixed, stepwise: false, attention: 'dense' })
      : context.evaluate({ ...fixed, stepwise: true, attention: 'fasa-c', policy });
  return cancellable(task, signal);
}

/** Dense steps. */
export function runReference(
  context: LaboratoryContext,
  { tokens, from }: Pick<Steps, 'tokens' | 'from'>,
  signal: AbortSignal,
): Promise<Float32Array> {
  const all = { budget: tokens.length, fasaFromTokens: 0 };
  return cancellable(context.evaluate({ tokens, from, stepwise: true, attention: 'dense', ...all }), signal);
}
