/** What evaluations on documents have in common: one context over them, dense steps, and steps under each policy. */

import { cancellable } from '../../language-server/base/cancellable';
import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import type { CalibrationFile } from '../../language-server/engine/calibration/calibration';
import { defaultBudget } from '../../language-server/engine/native/native-engine';
import {
  type ChoicePolicy,
  type LaboratoryContext,
  type LaboratoryOpenModel,
  withLaboratoryModel,
} from '../common/addon';
import { needCalibration, needMemory } from '../common/model';
import type { EvalDocument } from './documents';
import { readDocuments } from './documents';

/** `batched` runs the last tokens as one dense micro-batch, which differs from single dense steps only by rounding. */
export type EvalPolicy = ChoicePolicy | 'batched';

const policyNames: readonly EvalPolicy[] = [
  // those that need the queries of the prefill come first, so that it is done once
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

const defaultLength = 8192;
const defaultDocuments = 4;

export interface DocumentRun {
  readonly opened: LaboratoryOpenModel;
  readonly calibration: CalibrationFile;
  readonly policies: readonly EvalPolicy[];
  readonly documents: readonly EvalDocument[];
  /** Tokens of a document, and of the context. */
  readonly length: number;
  readonly budget: number;
  readonly context: LaboratoryContext;
}

/** @throws EngineError USAGE; BAD_CALIBRATION; OUT_OF_MEMORY; what reading the documents throws */
export async function withDocuments<T>(
  line: CommandLine,
  output: Output,
  signal: AbortSignal,
  work: (run: DocumentRun) => Promise<T>,
): Promise<T> {
  const { corpus, options } = line;
  if (corpus === undefined) {
    throw usageError(`eval ${line.operands[0] ?? ''} takes --corpus DIR.`);
  }
  const policies = choosePolicies(line);
  const length = line.length ?? defaultLength;
  const budget = options.budget > 0 ? options.budget : defaultBudget;
  return withLaboratoryModel(line, output, signal, async (opened) => {
    const { model, threads } = opened;
    const calibration = needCalibration(opened);
    needMemory(1.1 * model.info.kvBytesPerToken * length, `A document of ${length} tokens`);
    const documents = await readDocuments(model, corpus, length, line.documents ?? defaultDocuments, signal);
    const context = model.createContext({ contextTokens: length, threads, calibration });
    try {
      return await work({ opened, calibration, policies, documents, length, budget, context });
    } finally {
      context.dispose();
      output.progressDone();
    }
  });
}

/** The record of a single policy, or of several. */
export function recordOf<T>(records: readonly T[]): T | { readonly policies: readonly T[] } {
  const [first, ...others] = records;
  return first !== undefined && others.length === 0 ? first : { policies: records };
}

/** Bytes that the prediction reads per cached token and KV head. */
export function predictorBytes(policy: EvalPolicy, headSize: number, group: number, dominantFcs: number): number {
  switch (policy) {
    case 'fasa':
      // int4, with a scale and a minimum in f16 for each channel and 128 tokens
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

interface Steps {
  readonly tokens: Int32Array;
  /** From this position on, tokens are decoded one by one. */
  readonly from: number;
  readonly budget: number;
}

/** Decodes under a policy. @returns logits of the positions from `from` on */
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

/** Decodes with dense steps. */
export function runReference(
  context: LaboratoryContext,
  { tokens, from }: Pick<Steps, 'tokens' | 'from'>,
  signal: AbortSignal,
): Promise<Float32Array> {
  const all = { budget: tokens.length, fasaFromTokens: 0 };
  return cancellable(context.evaluate({ tokens, from, stepwise: true, attention: 'dense', ...all }), signal);
}
