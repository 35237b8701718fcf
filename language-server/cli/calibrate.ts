/**
 * `calibrate --corpus DIR --out FILE`: chooses the dominant frequency chunks of a model from a folder of sources, then how
 * chunks of a repository are read beside a sequence, from names that other files define (--repositories DIR, else the same).
 */

import path from 'node:path';
import { type BenchModel, withBenchModel } from '../../bench/common/model';
import { readCorpus, readRepositories } from '../../bench/cross-file/corpus';
import { type Candidate, choices, decide, describe } from '../../bench/cross-file/decide';
import { Evaluation, prepareCases } from '../../bench/cross-file/evaluation';
import { type CrossFileOptions, parseCrossFile, type Variant } from '../../bench/cross-file/options';
import { readCalibrationDocuments } from '../calibration/documents';
import type { NativeModel } from '../engine/addon';
import { type CalibrationFile, calibrationFormat, calibrationVersion, saveCalibration } from '../engine/calibration';
import { cancellable } from '../engine/cancellable';
import { EngineError } from '../engine/errors';
import { defaultBudget } from '../engine/native-engine';
import { SourceFiles } from '../repository/source-files';
import { type CommandLine, usageError } from './arguments';
import type { Output } from './output';

/** Tokens of a document, and of all: importance shows in long contexts, and more documents change little. */
const documentTokens = 4096;
const maxDocuments = 8;

/** Of each repository, to decide the composition by; with fewer of all, nothing can be told. */
const defaultCases = '12';
const minCases = 8;
/** Tokens of retrieved chunks that fewer are compared with. */
const widestRetrieved = 49_152;
/** Tokens: what stands for all chunks. */
const allRetrieved = 1_048_576;

export async function calibrate(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus, options, out, crossFile } = line;
  if (corpus === undefined || out === undefined || line.operands.length > 0) {
    throw usageError('calibrate takes --corpus DIR and --out FILE.');
  }
  const decides = crossFile.cases !== '0';
  const cases = decides ? (crossFile.cases ?? defaultCases) : '1';
  const rules = parseCrossFile({ ...crossFile, cases }, defaultBudget, options.rows, { mostTokens: widestRetrieved });
  await withBenchModel(line, output, signal, async (bench) => {
    const { name, architecture, fingerprint } = bench.model.info;
    const given = line.calibration === undefined ? undefined : bench.calibration;
    let file: CalibrationFile = given ?? {
      format: calibrationFormat,
      version: calibrationVersion,
      model: { name, architecture, fingerprint },
      corpus: line.label ?? path.basename(path.resolve(corpus)),
      ...(await chooseFcs(bench, corpus, output, signal)),
    };
    let decision: Decision | undefined;
    if (decides) {
      const folder = line.repositories ?? corpus;
      decision = await decideComposition({ ...bench, calibration: file }, folder, rules, line, output, signal);
    }
    if (decision !== undefined) {
      const { retrieved, late, prior, bias } = decision.variant;
      const mostTokens = retrieved === 0 ? allRetrieved : retrieved;
      const { cases } = decision;
      file = { ...file, composition: { mostTokens, lateTokens: late, bias, priorStrength: prior, cases } };
    }
    await saveCalibration(path.resolve(out), file);
    output.message(`Wrote ${path.resolve(out)}`);
    if (options.json) {
      const { model, tokens, composition } = file;
      const candidates = decision?.candidates.map(({ nll: _, ...rest }) => rest);
      output.json({ file: path.resolve(out), model, tokens, composition, candidates });
    }
  });
}

async function chooseFcs(
  { model, threads }: BenchModel,
  corpus: string,
  output: Output,
  signal: AbortSignal,
): Promise<Pick<CalibrationFile, 'tokens' | 'dominantFcs'>> {
  const documents = await readDocuments(model, corpus, signal);
  const tokens = documents.reduce((sum, document) => sum + document.length, 0);
  output.message(`${documents.length} documents, ${tokens} tokens`);
  // half of the head's frequency chunks: docs/calibration.md
  const dominantFcs = Math.max(1, model.info.headSize / 4);
  const started = performance.now();
  const task = model.calibrate({ documents, dominantFcs, threads }, (share) => output.progress('Calibrating', share));
  const chosen = await cancellable(task, signal);
  output.progressDone();
  output.message(`Frequency chunks chosen in ${Math.round((performance.now() - started) / 1000)} s`);
  return { tokens, dominantFcs: chosen.dominantFcs };
}

interface Decision {
  readonly variant: Variant;
  readonly cases: number;
  readonly candidates: readonly Candidate[];
}

/** Undefined where the folder has too few names that its files share. */
async function decideComposition(
  bench: BenchModel,
  folder: string,
  rules: CrossFileOptions,
  line: CommandLine,
  output: Output,
  signal: AbortSignal,
): Promise<Decision | undefined> {
  const found =
    line.repositories === undefined ? await readRepositories(folder, signal) : await readCorpus(folder, signal);
  const cases = prepareCases(bench, found, rules, line.options.seed ?? 1);
  if (cases.length < minCases) {
    output.message(
      `Too few names are used across files to decide how chunks are read (${cases.length} of ${minCases}): the defaults stay.`,
    );
    return undefined;
  }
  const evaluation = new Evaluation(bench, rules, line.length, signal);
  try {
    await evaluation.encode(found, output);
    let round = 0;
    // all variants of a case after each other: the tail is fed once
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
    return { variant, candidates, cases: cases.length };
  } finally {
    evaluation.dispose();
  }
}

async function readDocuments(model: NativeModel, corpus: string, signal: AbortSignal): Promise<Int32Array[]> {
  const sources = new SourceFiles(corpus);
  const { addBos, bos } = model.info.tokens;
  const documents = await readCalibrationDocuments(
    [sources],
    { tokenize: (text) => model.tokenize(text, false), start: addBos && bos !== undefined ? [bos] : [] },
    { documentTokens, maxDocuments },
    signal,
  );
  if (documents.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `There is too little source code in ${sources.root} to calibrate with.`, {
      remedy: 'Give a folder with at least some thousand lines of code.',
    });
  }
  return documents;
}
