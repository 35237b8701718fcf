/** How `calibrate` decides the composition: by names that other files define (--repositories DIR, else the corpus). */

import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import type { Decide, Decision } from '../../language-server/cli/laboratory';
import type { Output } from '../../language-server/cli/output';
import { defaultBudget } from '../../language-server/engine/native/native-engine';
import type { LaboratoryOpenModel } from '../common/addon';
import { asLaboratory } from '../common/addon';
import { readCorpus, readRepositories } from './corpus';
import { choices, decide, describe } from './decide';
import { Evaluation, prepareCases } from './evaluation';
import { type CrossFileOptions, parseCrossFile, type Variant } from './options';

/** Cases per repository that decide the composition; with too few in total, nothing can be decided. */
const defaultCases = '12';
const minCases = 8;
/** Tokens of retrieved chunks that fewer are compared with. */
const widestRetrieved = 49_152;
/** The number of retrieved tokens that stands for all chunks. */
const allRetrieved = 1_048_576;

/** Undefined with --cases 0. @throws EngineError USAGE */
export function prepareDecision(line: CommandLine): Decide | undefined {
  const { options, crossFile, corpus } = line;
  const folder = line.repositories ?? corpus;
  if (folder === undefined) {
    throw usageError('calibrate takes --corpus DIR and --out FILE.');
  }
  const decides = crossFile.cases !== '0';
  const cases = decides ? (crossFile.cases ?? defaultCases) : '1';
  const rules = parseCrossFile({ ...crossFile, cases }, defaultBudget, options.rows, { mostTokens: widestRetrieved });
  return decides
    ? (opened, output, signal) => decideComposition(asLaboratory(opened), folder, rules, line, output, signal)
    : undefined;
}

/** Undefined where the folder has too few names that its files share. */
async function decideComposition(
  opened: LaboratoryOpenModel,
  folder: string,
  rules: CrossFileOptions,
  line: CommandLine,
  output: Output,
  signal: AbortSignal,
): Promise<Decision | undefined> {
  const found =
    line.repositories === undefined ? await readRepositories(folder, signal) : await readCorpus(folder, signal);
  const cases = prepareCases(opened, found, rules, line.options.seed ?? 1);
  if (cases.length < minCases) {
    output.message(
      `Too few names are used across files to decide how chunks are read (${cases.length} of ${minCases}): the defaults stay.`,
    );
    return undefined;
  }
  const evaluation = new Evaluation(opened, rules, line.length, signal);
  try {
    await evaluation.encode(found, output);
    let round = 0;
    // all variants of a case run one after another, so that the tail is prefilled once
    const score = async (variants: readonly Variant[]) => {
      const nll = variants.map((): number[] => []);
      round++;
      for (const [i, one] of cases.entries()) {
        for (const [k, variant] of variants.entries()) {
          nll[k]?.push((await evaluation.fasa(one, variant)).nameNll);
        }
        output.progress(`Measuring how chunks are read, ${round} of ${choices.length + 1}`, (i + 1) / cases.length);
      }
      output.progressDone();
      return nll;
    };
    const { variant, candidates } = await decide(rules.variants[0], score);
    for (const candidate of candidates) {
      output.message(describe(candidate));
    }
    const { retrieved, late, prior, bias } = variant;
    const mostTokens = retrieved === 0 ? allRetrieved : retrieved;
    return {
      composition: { mostTokens, lateTokens: late, bias, priorStrength: prior, cases: cases.length },
      candidates: candidates.map(({ nll: _, ...rest }) => rest),
    };
  } finally {
    evaluation.dispose();
  }
}
