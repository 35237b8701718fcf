/** `eval cross-file`: completions of identifiers that other files of the repository define, with and without it. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { NativeEncoder } from '../engine/addon';

import { defaultBudget, mostDefaultContext } from '../engine/native-engine';
import { anchorOf, chunkTokens } from '../engine/native-repository';
import { cacheFolder } from '../models/cache-folder';
import { type CommandLine, usageError } from './arguments';
import { type BenchModel, needCalibration, needMemory, withBenchModel } from './bench-model';
import { fixed, table } from './bench-table';
import { type CrossFileCase, findCases } from './cross-file/cases';
import { ChunkPool, Pieces } from './cross-file/chunk-pool';
import { best, type ScoredChunk } from './cross-file/compose';
import { ConditionRunner } from './cross-file/conditions';
import { type CorpusRepository, readCorpus } from './cross-file/corpus';
import { type ConditionName, type CrossFileOptions, parseCrossFile, type Variant } from './cross-file/options';
import { type CasePrompt, casePrompt, pack, tailStart } from './cross-file/prompt';
import { type CrossFileRecord, record } from './cross-file/record';
import type { Score } from './cross-file/score';
import { randomNumbers, shuffled } from './eval-random';
import type { Output } from './output';

const defaultSeed = 1;
/** Of snippets in the prompt of the text search baseline. */
const snippetTokens = 1024;
/** Tokens of other repositories for each of the own. */
const unrelatedShare = 3;
/** The answer behind the tail of a dense prefill. */
const answerRoom = 64;

interface Repository {
  readonly pieces: Pieces;
  readonly snippets: Pieces;
  /** As pieces.all. */
  readonly chunks: readonly ScoredChunk['chunk'][];
}

interface PreparedCase extends CrossFileCase {
  readonly repository: number;
  readonly prompt: CasePrompt;
  /** Measured densely, too. */
  readonly dense: boolean;
}

export async function evalCrossFile(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus } = line;
  if (corpus === undefined) {
    throw usageError('eval cross-file takes --corpus DIR.');
  }
  const { budget, rows } = line.options;
  const options = parseCrossFile(line.crossFile, budget > 0 ? budget : defaultBudget, rows);
  await withBenchModel(line, output, signal, async (bench) => {
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
      for (const [i, one] of cases.entries()) {
        await evaluation.measure(i, one);
        output.progress(`Case ${i + 1} of ${cases.length}`, (i + 1) / cases.length);
        if (line.out !== undefined) {
          // a run of an hour that is ended early has measured something
          await writeFile(line.out, `${JSON.stringify({ ...about, ...evaluation.record(cases) }, null, 2)}\n`);
        }
      }
      output.progressDone();
      report({ ...about, ...evaluation.record(cases) }, line.options.json, output);
    } finally {
      evaluation.dispose();
    }
  });
}

/** In turns of the repositories, so that every part of the list has all of them. */
function prepareCases(
  bench: BenchModel,
  repositories: readonly CorpusRepository[],
  options: CrossFileOptions,
  seed: number,
): PreparedCase[] {
  const { tailTokens } = options;
  const prepared = repositories.flatMap(({ files }, repository) => {
    const rules = {
      count: 4 * options.cases,
      tailStart: (text: string, at: number) => tailStart(text, at, tailTokens),
    };
    const found = findCases(files, rules, randomNumbers(seed)).flatMap((one) => {
      const prompt = casePrompt(bench.model, one, tailTokens);
      return prompt === undefined ? [] : [{ ...one, repository, prompt }];
    });
    return found.slice(0, options.cases).map((one, turn) => ({ ...one, turn, dense: turn < options.denseCases }));
  });
  return prepared.toSorted((left, right) => left.turn - right.turn || left.repository - right.repository);
}

class Evaluation {
  readonly #bench: BenchModel;
  readonly #options: CrossFileOptions;
  readonly #anchor: Int32Array;
  readonly #encoder: NativeEncoder;
  readonly #runner: ConditionRunner;
  readonly #windowTokens: number;
  readonly #signal: AbortSignal;
  readonly #repositories: Repository[] = [];
  readonly #scores = new Map<string, Map<number, Score>>();

  constructor(bench: BenchModel, options: CrossFileOptions, length: number | undefined, signal: AbortSignal) {
    const { model, threads } = bench;
    this.#bench = bench;
    this.#options = options;
    this.#signal = signal;
    this.#anchor = anchorOf(model);
    this.#windowTokens = Math.min(model.info.trainedContext, length ?? mostDefaultContext);
    needMemory(1.2 * model.info.kvBytesPerToken * this.#windowTokens, `A window of ${this.#windowTokens} tokens`);
    this.#encoder = model.createEncoder({
      anchor: this.#anchor,
      threads,
      calibration: needCalibration(bench),
      rowType: options.rows,
      tier: 'fasa-m',
      chunkTokens,
    });
    this.#runner = new ConditionRunner(
      bench,
      { anchor: this.#anchor, windowTokens: this.#windowTokens, tailTokens: options.tailTokens, chunkTokens },
      signal,
    );
  }

  async encode(repositories: readonly CorpusRepository[], output: Output): Promise<void> {
    const { model } = this.#bench;
    const { rows } = this.#options;
    const key = JSON.stringify([
      model.info.fingerprint,
      [...this.#anchor],
      rows,
      needCalibration(this.#bench).dominantFcs,
    ]);
    const folder = path.join(cacheFolder(), 'eval-chunks', model.info.fingerprint);
    const pool = new ChunkPool(this.#encoder, folder, key);
    for (const repository of repositories) {
      const pieces = new Pieces(this.#bench, repository, chunkTokens);
      const chunks = await pool.ready(pieces.all, this.#signal, (done) =>
        output.progress(`Encoding ${repository.name}, ${pieces.tokens} tokens`, done / pieces.tokens),
      );
      this.#repositories.push({ pieces, snippets: Pieces.snippets(this.#bench, repository), chunks });
    }
    output.progressDone();
  }

  tokens(repository: number): number {
    return this.#repositories[repository]?.pieces.tokens ?? 0;
  }

  async measure(index: number, one: PreparedCase): Promise<void> {
    const own = this.#repositories[one.repository];
    if (own === undefined) {
      return;
    }
    const { prompt, file } = one;
    const [first, ...others] = this.#options.variants;
    const scores = own.pieces.scores(prompt.tailText);
    const chunks = own.chunks.flatMap((chunk, i) =>
      own.pieces.all[i]?.path === file.path ? [] : [{ chunk, score: scores[i] ?? 0 }],
    );
    const window = this.#windowTokens - this.#anchor.length - this.#options.tailTokens - answerRoom;
    const runs: readonly [ConditionName, boolean, () => Promise<Score>][] = [
      ['none', true, () => this.#runner.prefill(prompt, [])],
      [
        'bm25',
        true,
        () =>
          this.#runner.prefill(prompt, pack(own.snippets.snippetsBeside(file.path, prompt.tailText), snippetTokens)),
      ],
      [
        'dense',
        one.dense,
        () => this.#runner.prefill(prompt, pack(own.pieces.snippetsBeside(file.path, prompt.tailText), window)),
      ],
      ['fasa', true, () => this.#runner.beside(prompt, chunks, first, 'fasa-c')],
      ['fasa-window', true, () => this.#runner.beside(prompt, best(chunks, window), first, 'fasa-c')],
      ['fasa-unrelated', true, () => this.#besideUnrelated(one, chunks, first)],
      ['chunks-dense', one.dense, () => this.#runner.beside(prompt, chunks, first, 'dense')],
    ];
    for (const [condition, wanted, run] of runs) {
      if (wanted && this.#options.conditions.includes(condition)) {
        await this.#keep(condition, index, run);
      }
    }
    for (const variant of this.#options.conditions.includes('fasa') ? others : []) {
      await this.#keep(variantName(variant), index, () => this.#runner.beside(prompt, chunks, variant, 'fasa-c'));
    }
  }

  record(cases: readonly PreparedCase[]): CrossFileRecord {
    return record(
      this.#scores,
      cases.map(({ file }) => file.language),
    );
  }

  dispose(): void {
    this.#runner.dispose();
    for (const chunk of this.#repositories.flatMap(({ chunks }) => chunks)) {
      chunk.dispose();
    }
    this.#encoder.dispose();
  }

  /** Chunks of the other repositories in an order that the seed and the case fix; scored like all others. */
  #besideUnrelated(one: PreparedCase, chunks: readonly ScoredChunk[], variant: Variant): Promise<Score> {
    const others = this.#repositories.flatMap(({ pieces, chunks: list }, i) => {
      if (i === one.repository) {
        return [];
      }
      const scores = pieces.scores(one.prompt.tailText);
      return list.map((chunk, k) => ({ chunk, score: scores[k] ?? 0 }));
    });
    let left = unrelatedShare * chunks.reduce((sum, { chunk }) => sum + chunk.tokens, 0);
    const added: ScoredChunk[] = [];
    for (const other of shuffled(others, randomNumbers(one.offset))) {
      if (left <= 0) {
        break;
      }
      added.push(other);
      left -= other.chunk.tokens;
    }
    return this.#runner.beside(one.prompt, [...chunks, ...added], variant, 'fasa-c');
  }

  async #keep(condition: string, index: number, run: () => Promise<Score>): Promise<void> {
    const started = performance.now();
    const score = { ...(await run()), seconds: (performance.now() - started) / 1000 };
    const scores = this.#scores.get(condition) ?? new Map<number, Score>();
    scores.set(index, score);
    this.#scores.set(condition, scores);
  }
}

function variantName({ late, prior, bias, offsets, budget }: Variant): string {
  return `fasa late ${late} prior ${prior} bias ${bias} ${offsets} budget ${budget}`;
}

function report(result: CrossFileRecord & { readonly model: string }, json: boolean, output: Output): void {
  if (json) {
    output.json(result);
    return;
  }
  const percent = (share: number | undefined) => (share === undefined ? '-' : `${fixed(100 * share, 0)} %`);
  output.result(`${result.model}: ${result.cases} identifiers that other files define\n\n`);
  output.result(
    table(result.conditions, [
      { title: 'condition', text: ({ condition }) => condition },
      { title: 'cases', text: ({ cases }) => String(cases) },
      { title: 'exact', text: ({ exact }) => percent(exact) },
      { title: 'NLL', text: ({ nll }) => fixed(nll, 2) },
      { title: 'line NLL', text: ({ followingNll }) => fixed(followingNll, 3) },
      { title: 'worse than none', text: ({ worse }) => percent(worse) },
      { title: 'of the dense gain', text: ({ gainShare }) => percent(gainShare) },
      { title: 's a case', text: ({ seconds }) => fixed(seconds, 1) },
    ]),
  );
  for (const { language, conditions } of result.languages) {
    output.result(`\n${language}\n`);
    output.result(
      table(conditions, [
        { title: 'condition', text: ({ condition }) => condition },
        { title: 'cases', text: ({ cases }) => String(cases) },
        { title: 'exact', text: ({ exact }) => percent(exact) },
        { title: 'NLL', text: ({ nll }) => fixed(nll, 2) },
      ]),
    );
  }
}
