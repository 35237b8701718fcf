/** `eval cross-file`: completions of identifiers that other files of the repository define, with and without it. */

import { writeFile } from 'node:fs/promises';
import { EngineError, toEngineError } from '../../language-server/base/errors';
import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { defaultBudget } from '../../language-server/engine/native/native-engine';
import { readNamedText } from '../../language-server/index/discover/read-file';
import { withLaboratoryModel } from '../common/addon';
import { fixed, table } from '../common/table';
import { readCorpus } from '../cross-file/corpus';
import { Evaluation, prepareCases } from '../cross-file/evaluation';
import { parseCrossFile } from '../cross-file/options';
import { type CrossFileRecord, joinRuns, type MeasuredCase, recordOf } from '../cross-file/record';

const defaultSeed = 1;

export async function evalCrossFile(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus } = line;
  if (line.crossFile.join !== undefined) {
    report(await joined(line.crossFile.join.split(',')), line.options.json, output);
    return;
  }
  if (corpus === undefined) {
    throw usageError('eval cross-file takes --corpus DIR.');
  }
  const { budget, rows } = line.options;
  const usedBudget = budget > 0 ? budget : defaultBudget;
  // what is wrong with the words is said before a model is loaded
  parseCrossFile(line.crossFile, usedBudget, rows, undefined);
  await withLaboratoryModel(line, output, signal, async (bench) => {
    const options = parseCrossFile(line.crossFile, usedBudget, rows, bench.calibration?.composition);
    const found = await readCorpus(corpus, signal);
    const cases = prepareCases(bench, found, options, line.options.seed ?? defaultSeed);
    const evaluation = new Evaluation(bench, options, line.length, signal);
    try {
      await evaluation.encode(found, output);
      const about = {
        model: bench.model.info.name,
        device: bench.device,
        threads: bench.threads,
        seed: line.options.seed ?? defaultSeed,
        repositories: found.map(({ name, files }, i) => ({
          name,
          files: files.length,
          tokens: evaluation.tokens(i),
          cases: cases.filter(({ repository }) => repository === i).length,
        })),
        ...options,
      };
      const names = found.map(({ name }) => name);
      const soFar = (): Result => {
        const measured = evaluation.measured(cases, names);
        return { ...about, ...recordOf(measured), measured };
      };
      for (const [i, one] of cases.entries()) {
        await evaluation.measure(i, one);
        output.progress(`Case ${i + 1} of ${cases.length}`, (i + 1) / cases.length);
        if (line.out !== undefined) {
          // a run of an hour that is ended early has measured something
          await writeFile(line.out, `${JSON.stringify(soFar(), null, 2)}\n`);
        }
      }
      output.progressDone();
      report(soFar(), line.options.json, output);
    } finally {
      evaluation.dispose();
    }
  });
}

interface Result extends CrossFileRecord {
  readonly model: string;
  readonly repositories: readonly { readonly name: string }[];
  readonly measured: readonly MeasuredCase[];
}

/** Runs over different repositories, or under different conditions, as one. @throws EngineError BAD_ARGUMENT for what is no record of such a run */
async function joined(files: readonly string[]): Promise<Result> {
  const runs: Result[] = [];
  for (const file of files) {
    try {
      const run = JSON.parse(await readNamedText(file)) as Result;
      if (!Array.isArray(run.measured) || !Array.isArray(run.repositories)) {
        throw new Error('it has no measured cases');
      }
      runs.push(run);
    } catch (error) {
      throw new EngineError('BAD_ARGUMENT', `${file} is no record of eval cross-file: ${toEngineError(error).message}`);
    }
  }
  const measured = joinRuns(runs.map((run) => run.measured));
  const all = runs.flatMap((run) => run.repositories);
  const repositories = all.filter(({ name }, i) => all.findIndex((other) => other.name === name) === i);
  const [first] = runs;
  return { ...(first as Result), repositories, ...recordOf(measured), measured };
}

function report(result: Result, json: boolean, output: Output): void {
  if (json) {
    output.json(result);
    return;
  }
  const percent = (share: number | undefined) => (share === undefined ? '-' : `${fixed(100 * share, 0)} %`);
  output.lines([`${result.model}: ${result.cases} identifiers that other files define`, '']);
  output.lines(
    table(result.conditions, [
      { title: 'condition', text: ({ condition }) => condition },
      { title: 'cases', text: ({ cases }) => String(cases) },
      { title: 'exact', text: ({ exact }) => percent(exact) },
      { title: 'NLL', text: ({ nll }) => fixed(nll, 2) },
      { title: 'line NLL', text: ({ followingNll }) => fixed(followingNll, 3) },
      { title: 'worse than none', text: ({ worse }) => percent(worse) },
      { title: 'of the dense gain', text: ({ gainShare }) => percent(gainShare) },
      { title: 'KL of dense', text: ({ meanKl }) => fixed(meanKl, 4) },
      { title: 's a case', text: ({ seconds }) => fixed(seconds, 1) },
    ]),
  );
  for (const { tokens, ranked, bm25 } of result.definitionRecall) {
    output.line(
      `The definition is in the first ${tokens} tokens of chunks: ${percent(ranked)}, by plain BM25 ${percent(bm25)}`,
    );
  }
  for (const { language, conditions } of result.languages) {
    output.lines(['', language]);
    output.lines(
      table(conditions, [
        { title: 'condition', text: ({ condition }) => condition },
        { title: 'cases', text: ({ cases }) => String(cases) },
        { title: 'exact', text: ({ exact }) => percent(exact) },
        { title: 'NLL', text: ({ nll }) => fixed(nll, 2) },
      ]),
    );
  }
}
