/** What `eval cross-file` measures, and by what `calibrate` decides the composition: cases under any condition. */

import path from 'node:path';
import { cacheFolder } from '../../language-server/base/cache-folder';
import type { Output } from '../../language-server/cli/output';
import type { NativeEncoder } from '../../language-server/engine/native/addon';
import { anchorOf, chunkTokens } from '../../language-server/engine/native/native-chunk-encoder';
import { maxDefaultContext } from '../../language-server/engine/native/native-engine';
import { mostRelevant } from '../../language-server/index/rank/composition';
import type { LaboratoryOpenModel } from '../common/addon';
import { needCalibration, needMemory } from '../common/model';
import { randomNumbers, shuffled } from '../common/statistics';
import { type CrossFileCase, findCases } from './cases';
import { ChunkPool, SearchableChunks } from './chunk-pool';
import type { ScoredChunk } from './compose';
import { ConditionRunner } from './conditions';
import type { CorpusRepository } from './corpus';
import type { ConditionName, CrossFileOptions, Variant } from './options';
import { type CasePrompt, casePrompt, pack, tailStart } from './prompt';
import { type DefinitionAt, definitionAt } from './recall';
import type { MeasuredCase } from './record';
import { type Distance, distance, type Score } from './score';

/** Tokens of all snippets in the prompt of the text search baseline. */
const snippetTokens = 1024;
/** Tokens of other repositories for each token of the case's own. */
const unrelatedShare = 3;
/** Room for the answer after the tail of a dense prefill. */
const answerRoom = 64;

const readChunks: ReadonlySet<ConditionName> = new Set(['chunks-dense', 'fasa', 'fasa-all', 'fasa-unrelated']);

interface Repository {
  readonly searchable: SearchableChunks;
  readonly snippets: SearchableChunks;
  /** In the order of searchable.all. */
  readonly chunks: readonly ScoredChunk['chunk'][];
}

interface PreparedCase extends CrossFileCase {
  readonly repository: number;
  readonly prompt: CasePrompt;
  /** Whether the dense conditions are measured on it. */
  readonly dense: boolean;
}

/** Repositories take turns in the list, so that every part of it has all of them. */
export function prepareCases(
  bench: LaboratoryOpenModel,
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

export class Evaluation {
  readonly #bench: LaboratoryOpenModel;
  readonly #options: CrossFileOptions;
  readonly #anchor: Int32Array;
  readonly #encoder: NativeEncoder;
  readonly #runner: ConditionRunner;
  readonly #windowTokens: number;
  readonly #signal: AbortSignal;
  readonly #repositories: Repository[] = [];
  readonly #definitions = new Map<number, DefinitionAt | undefined>();
  readonly #scores = new Map<string, Map<number, Score>>();

  constructor(bench: LaboratoryOpenModel, options: CrossFileOptions, length: number | undefined, signal: AbortSignal) {
    const { model, threads } = bench;
    this.#bench = bench;
    this.#options = options;
    this.#signal = signal;
    this.#anchor = anchorOf(model);
    this.#windowTokens = Math.min(model.info.trainedContext, length ?? maxDefaultContext);
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
      const searchable = new SearchableChunks(this.#bench, repository, chunkTokens);
      const chunks = this.#options.conditions.some((condition) => readChunks.has(condition))
        ? await pool.ready(searchable.all, this.#signal, (done) =>
            output.progress(`Encoding ${repository.name}, ${searchable.tokens} tokens`, done / searchable.tokens),
          )
        : [];
      this.#repositories.push({ searchable, snippets: SearchableChunks.snippets(this.#bench, repository), chunks });
    }
    output.progressDone();
  }

  tokens(repository: number): number {
    return this.#repositories[repository]?.searchable.tokens ?? 0;
  }

  async measure(index: number, one: PreparedCase): Promise<void> {
    const own = this.#repositories[one.repository];
    if (own === undefined) {
      return;
    }
    const { prompt, file } = one;
    this.#definitions.set(index, definitionAt(one, own.searchable));
    const { conditions, variants } = this.#options;
    const [first, ...others] = variants;
    const chunks = this.#chunksFor(one);
    // logits of the runs on the same chunks, to be compared with dense attention to them
    const sparse = new Map<string, Float32Array>();
    const fasa = async (condition: string, variant: Variant) => {
      const { score, logits } = await this.#beside(prompt, chunks, variant);
      if (variant.retrieved === first.retrieved) {
        sparse.set(condition, logits);
      }
      return score;
    };
    const window = this.#windowTokens - this.#anchor.length - this.#options.tailTokens - answerRoom;
    const behind = (searchable: SearchableChunks, scores: readonly number[], maxTokens: number) =>
      this.#runner.prefill(prompt, pack(searchable.snippetsBeside(file.path, scores), maxTokens));
    const runs: readonly [ConditionName, boolean, () => Promise<Score>][] = [
      ['none', true, () => this.#runner.prefill(prompt, [])],
      ['bm25', true, () => behind(own.snippets, own.snippets.scores(prompt.tailText), snippetTokens)],
      ['snippets', true, () => behind(own.snippets, own.snippets.relevance(one), snippetTokens)],
      ['dense', one.dense, () => behind(own.searchable, own.searchable.relevance(one), window)],
      ['fasa', true, () => fasa('fasa', first)],
      ['fasa-all', true, async () => (await this.#beside(prompt, chunks, { ...first, retrieved: 0 })).score],
      ['fasa-unrelated', true, () => this.#besideUnrelated(one, chunks, first)],
    ];
    for (const [condition, wanted, run] of runs) {
      if (wanted && conditions.includes(condition)) {
        await this.#keep(condition, index, run);
      }
    }
    for (const variant of conditions.includes('fasa') ? others : []) {
      await this.#keep(variantName(variant), index, () => fasa(variantName(variant), variant));
    }
    if (one.dense && conditions.includes('chunks-dense')) {
      await this.#keep('chunks-dense', index, async () => {
        const { score, logits } = await this.#beside(prompt, chunks, first, 'dense');
        for (const [condition, other] of sparse) {
          this.#addDistance(condition, index, distance(this.#bench.model, prompt, logits, other));
        }
        return score;
      });
    }
  }

  /** Reads one case with the retrieved chunks of its repository, except those of its own file, by FASA. */
  async fasa(one: PreparedCase, variant: Variant): Promise<Score> {
    return (await this.#beside(one.prompt, this.#chunksFor(one), variant)).score;
  }

  /** The cases that were measured so far. */
  measured(cases: readonly PreparedCase[], names: readonly string[]): MeasuredCase[] {
    return cases.flatMap(({ repository, file, name, offset }, i) => {
      const scores = [...this.#scores].flatMap(([condition, own]) => {
        const score = own.get(i);
        return score === undefined ? [] : [[condition, score] as const];
      });
      return scores.length === 0
        ? []
        : [
            {
              repository: names[repository] ?? '',
              language: file.language,
              file: file.path,
              name,
              offset,
              definitionAt: this.#definitions.get(i),
              scores: Object.fromEntries(scores),
            },
          ];
    });
  }

  dispose(): void {
    this.#runner.dispose();
    for (const chunk of this.#repositories.flatMap(({ chunks }) => chunks)) {
      chunk.dispose();
    }
    this.#encoder.dispose();
  }

  #chunksFor(one: PreparedCase): ScoredChunk[] {
    const own = this.#repositories[one.repository];
    const scores = own?.searchable.relevance(one) ?? [];
    return (own?.chunks ?? []).flatMap((chunk, i) =>
      own?.searchable.all[i]?.path === one.file.path ? [] : [{ chunk, score: scores[i] ?? 0 }],
    );
  }

  /** The tail beside those of the chunks that the variant retrieves. */
  #beside(
    prompt: CasePrompt,
    chunks: readonly ScoredChunk[],
    variant: Variant,
    attention: 'dense' | 'fasa-c' = 'fasa-c',
  ): ReturnType<ConditionRunner['beside']> {
    const retrieved = variant.retrieved === 0 ? chunks : mostRelevant(chunks, variant.retrieved);
    return this.#runner.beside(prompt, retrieved, variant, attention);
  }

  #addDistance(condition: string, index: number, distance: Distance): void {
    const scores = this.#scores.get(condition);
    const score = scores?.get(index);
    if (score !== undefined) {
      scores?.set(index, { ...score, distance });
    }
  }

  /** Chunks of the other repositories in an order that the seed and the case fix; scored like all others. */
  async #besideUnrelated(one: PreparedCase, chunks: readonly ScoredChunk[], variant: Variant): Promise<Score> {
    const others = this.#repositories.flatMap(({ searchable, chunks: list }, i) => {
      if (i === one.repository) {
        return [];
      }
      // nothing of them is imported
      const scores = searchable.scores({ before: one.prompt.tailText, after: '', document: '' });
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
    return (await this.#beside(one.prompt, [...chunks, ...added], variant)).score;
  }

  async #keep(condition: string, index: number, run: () => Promise<Score>): Promise<void> {
    const started = performance.now();
    const score = { ...(await run()), seconds: (performance.now() - started) / 1000 };
    const scores = this.#scores.get(condition) ?? new Map<number, Score>();
    scores.set(index, score);
    this.#scores.set(condition, scores);
  }
}

function variantName({ late, prior, bias, budget, retrieved }: Variant): string {
  return `fasa late ${late} prior ${prior} bias ${bias} budget ${budget} retrieved ${retrieved}`;
}
