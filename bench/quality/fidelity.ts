/** `eval fidelity`: next-token distributions of sparse decode steps against dense ones, on text of a folder. */

import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { defaultBudget } from '../../language-server/engine/native-engine';
import { type LaboratoryContext, type LaboratoryOpenModel, withLaboratoryModel } from '../common/addon';
import { type Comparison, compareLogits, mean, percentile } from '../common/compare-logits';
import { needCalibration, needMemory } from '../common/model';
import { fixed, table } from '../common/table';
import { type EvalDocument, readDocuments } from './documents';
import { choosePolicies, type EvalPolicy, predictorBytes, runPolicy, runReference } from './runs';

const defaultLength = 8192;
const defaultDocuments = 4;
/** Fed one by one, at the end of each document. */
const scoredTokens = 128;

/** docs/benchmarks.md says what each field means. */
interface FidelityFigures {
  readonly tokens: number;
  readonly meanKl: number;
  readonly p99Kl: number;
  readonly agreement: number;
  readonly denseNll: number;
  readonly nll: number;
  readonly deltaNll: number;
  readonly relativeNll: number;
}

interface FidelityRecord extends FidelityFigures {
  readonly policy: EvalPolicy;
  readonly length: number;
  readonly budget: number;
  readonly predictorBytes: number;
  readonly documents: readonly (FidelityFigures & { readonly name: string })[];
}

export async function evalFidelity(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus, options } = line;
  if (corpus === undefined) {
    throw usageError('eval fidelity takes --corpus DIR.');
  }
  const policies = choosePolicies(line);
  const length = line.length ?? defaultLength;
  const budget = options.budget > 0 ? options.budget : defaultBudget;
  await withLaboratoryModel(line, output, signal, async (bench) => {
    const calibration = needCalibration(bench);
    const { headSize, heads, kvHeads, kvBytesPerToken } = bench.model.info;
    needMemory(1.1 * kvBytesPerToken * length, `A document of ${length} tokens`);
    const documents = await readDocuments(bench.model, corpus, length, line.documents ?? defaultDocuments, signal);
    const results = new Map<EvalPolicy, (Comparison & { readonly name: string })[]>();
    const context = bench.model.createContext({ contextTokens: length, threads: bench.threads, calibration });
    try {
      for (const [i, document] of documents.entries()) {
        const told = (share: number) => output.progress('Documents', (i + share) / documents.length);
        for (const [policy, comparison] of await compareAll(context, bench, document, policies, budget, signal, told)) {
          results.set(policy, [...(results.get(policy) ?? []), { ...comparison, name: document.name }]);
        }
      }
    } finally {
      context.dispose();
    }
    output.progressDone();
    const dominantFcs = calibration.dominantFcs[0]?.[0]?.length ?? 0;
    const records = [...results].map(
      ([policy, list]): FidelityRecord => ({
        policy,
        length,
        budget,
        predictorBytes: predictorBytes(policy, headSize, heads / kvHeads, dominantFcs),
        ...figures(list),
        documents: list.map((one) => ({ name: one.name, ...figures([one]) })),
      }),
    );
    report(records, bench, options.json, output);
  });
}

async function compareAll(
  context: LaboratoryContext,
  { model }: LaboratoryOpenModel,
  document: EvalDocument,
  policies: readonly EvalPolicy[],
  budget: number,
  signal: AbortSignal,
  told: (share: number) => void,
): Promise<[EvalPolicy, Comparison][]> {
  const scored = Math.min(scoredTokens, document.tokens.length >> 1);
  // the last token has no successor: it is only predicted
  const steps = { tokens: document.tokens.slice(0, -1), from: document.tokens.length - 1 - scored, budget };
  const targets = document.tokens.slice(steps.from + 1);
  const logits: [EvalPolicy, Float32Array][] = [];
  for (const [i, policy] of policies.entries()) {
    logits.push([policy, await runPolicy(context, policy, steps, signal)]);
    told((i + 1) / (policies.length + 1));
  }
  const reference = await runReference(context, steps, signal);
  told(1);
  return logits.map(([policy, own]) => [policy, compareLogits(reference, own, model.info.vocabulary, targets)]);
}

function figures(list: readonly Comparison[]): FidelityFigures {
  const kl = list.flatMap((one) => one.kl);
  const denseNll = mean(list.flatMap((one) => one.referenceNll));
  const nll = mean(list.flatMap((one) => one.nll));
  return {
    tokens: kl.length,
    meanKl: mean(kl),
    p99Kl: percentile(kl, 0.99),
    agreement: list.reduce((sum, one) => sum + one.agreeing, 0) / kl.length,
    denseNll,
    nll,
    deltaNll: nll - denseNll,
    relativeNll: nll / denseNll - 1,
  };
}

function report(records: readonly FidelityRecord[], bench: LaboratoryOpenModel, json: boolean, output: Output): void {
  if (json) {
    const [first, ...others] = records;
    output.json(first !== undefined && others.length === 0 ? first : { policies: records });
    return;
  }
  const [first] = records;
  output.line(
    `${bench.model.info.name}: ${first?.documents.length} documents of ${first?.length} tokens, budget ${first?.budget}, ${first?.tokens} steps, dense NLL ${fixed(first?.denseNll, 4)}`,
  );
  output.line('');
  output.lines(
    table(records, [
      { title: 'policy', text: ({ policy }) => policy },
      { title: 'bytes', text: (row) => fixed(row.predictorBytes, 0) },
      { title: 'mean KL', text: ({ meanKl }) => fixed(meanKl, 4) },
      { title: 'p99 KL', text: ({ p99Kl }) => fixed(p99Kl, 4) },
      { title: 'agreement', text: ({ agreement }) => `${fixed(100 * agreement, 1)} %` },
      { title: 'NLL', text: ({ nll }) => fixed(nll, 4) },
      { title: 'to dense', text: ({ relativeNll }) => `${fixed(100 * relativeNll, 2)} %` },
    ]),
  );
}
