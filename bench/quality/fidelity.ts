/** `eval fidelity`: next-token distributions of sparse decode steps against dense ones, on text of a folder. */

import type { CommandLine } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import type { Comparison } from '../common/compare-logits';
import { compareLogits } from '../common/compare-logits';
import { mean, percentile } from '../common/statistics';
import { fixed, printReport } from '../common/table';
import type { EvalDocument } from './documents';
import type { DocumentRun, EvalPolicy } from './runs';
import { predictorBytes, recordOf, runPolicy, runReference, withDocuments } from './runs';

/** Tokens at the end of each document that are decoded one by one and compared. */
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
  await withDocuments(line, output, signal, async (run) => {
    const { opened, calibration, documents, length, budget } = run;
    const { headSize, heads, kvHeads, name } = opened.model.info;
    const results = new Map<EvalPolicy, (Comparison & { readonly name: string })[]>();
    for (const [i, document] of documents.entries()) {
      const onProgress = (share: number) => output.progress('Documents', (i + share) / documents.length);
      for (const [policy, comparison] of await compareAll(run, document, signal, onProgress)) {
        results.set(policy, [...(results.get(policy) ?? []), { ...comparison, name: document.name }]);
      }
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
    const [first] = records;
    const figuresOfAll = `${first?.tokens} steps, dense NLL ${fixed(first?.denseNll, 4)}`;
    printReport(output, line.options.json, {
      record: recordOf(records),
      heading: [`${name}: ${documents.length} documents of ${length} tokens, budget ${budget}, ${figuresOfAll}`],
      rows: records,
      columns: [
        { title: 'policy', text: ({ policy }) => policy },
        { title: 'bytes', text: (row) => fixed(row.predictorBytes, 0) },
        { title: 'mean KL', text: ({ meanKl }) => fixed(meanKl, 4) },
        { title: 'p99 KL', text: ({ p99Kl }) => fixed(p99Kl, 4) },
        { title: 'agreement', text: ({ agreement }) => `${fixed(100 * agreement, 1)} %` },
        { title: 'NLL', text: ({ nll }) => fixed(nll, 4) },
        { title: 'to dense', text: ({ relativeNll }) => `${fixed(100 * relativeNll, 2)} %` },
      ],
    });
  });
}

async function compareAll(
  { context, opened: { model }, policies, budget }: DocumentRun,
  document: EvalDocument,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<[EvalPolicy, Comparison][]> {
  const scored = Math.min(scoredTokens, document.tokens.length >> 1);
  // the last token has no successor: it is only predicted
  const steps = { tokens: document.tokens.slice(0, -1), from: document.tokens.length - 1 - scored, budget };
  const targets = document.tokens.slice(steps.from + 1);
  const logits: [EvalPolicy, Float32Array][] = [];
  for (const [i, policy] of policies.entries()) {
    logits.push([policy, await runPolicy(context, policy, steps, signal)]);
    onProgress((i + 1) / (policies.length + 1));
  }
  const reference = await runReference(context, steps, signal);
  onProgress(1);
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
