/** `eval citations`: facts are planted in known files; does the attention of an answer rank the right file first? */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from '../../language-server/base/cache-folder';
import { EngineError } from '../../language-server/base/errors';
import { citationsOf } from '../../language-server/chat/citations';
import { chatTokens } from '../../language-server/chat/template/template';
import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import { withFolders } from '../../language-server/cli/open-context';
import { withEngine } from '../../language-server/cli/open-engine';
import type { Output } from '../../language-server/cli/output';
import type { Engine } from '../../language-server/engine/engine';
import { concatenate } from '../../language-server/engine/native/token-parts';
import { readNamedText } from '../../language-server/index/discover/read-file';
import type { FolderIndex } from '../../language-server/index/folder-index';
import { Bm25Index } from '../../language-server/index/rank/bm25';
import { termsOf } from '../../language-server/index/rank/relevance';
import { needChunks } from '../common/model';
import { copyRepository } from '../common/repository-copy';
import { randomNumbers, shuffled } from '../common/statistics';
import { fixed } from '../common/table';
import { corpusRoots } from '../cross-file/corpus';
import { chooseFacts, type Fact, plantFacts } from './citations-facts';

const defaultQuestions = 50;
const defaultSeed = 1;
const answerTokens = 24;
const maxTokens = 262_144;

interface RepositorySize {
  readonly name: string;
  readonly files: number;
  readonly tokens: number;
}

interface Ranks {
  /** The 0-based rank of the right file, or Infinity if it is not ranked. */
  readonly attention: number;
  readonly bm25: number;
  /** How often a random order has the right file among the first three. */
  readonly randomAt3: number;
  readonly answered: boolean;
}

export async function evalCitations(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus, options } = line;
  if (corpus === undefined) {
    throw usageError('eval citations takes --corpus DIR.');
  }
  const asked = Number(line.crossFile.cases ?? defaultQuestions);
  if (!Number.isInteger(asked) || asked < 1 || asked > 512) {
    throw usageError('--cases must be a whole number from 1 to 512.');
  }
  const roots = await corpusRoots(corpus);
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(path.join(cacheFolder(), 'eval-citations-'));
  // the same constants every time: what was encoded once is found again
  const store = { folder: path.join(cacheFolder(), 'eval-chunks', 'citations') };
  try {
    const run = (engine: Engine) => askOfAll(engine, roots, asked, work, options.seed ?? defaultSeed, output, signal);
    const result = await withEngine({ ...options, device: '' }, output, signal, run, { store });
    if (result.ranks.length === 0) {
      throw new EngineError('BAD_ARGUMENT', `There are too few TypeScript, Python, Go or Rust files in ${corpus}.`);
    }
    report({ model: result.model, repositories: result.repositories, ...figures(result.ranks) }, options.json, output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Asked {
  readonly model: string;
  readonly ranks: readonly Ranks[];
  readonly repositories: readonly RepositorySize[];
}

/** @param asked questions, of all repositories together */
async function askOfAll(
  engine: Engine,
  roots: readonly string[],
  asked: number,
  work: string,
  seed: number,
  output: Output,
  signal: AbortSignal,
): Promise<Asked> {
  needChunks(engine);
  const ranks: Ranks[] = [];
  const repositories: RepositorySize[] = [];
  for (const [i, root] of roots.entries()) {
    const count = Math.floor(asked / roots.length) + (i < asked % roots.length ? 1 : 0);
    const copy = path.join(work, path.basename(root));
    const facts = chooseFacts(await copyRepository(root, copy, signal), count, randomNumbers(seed + i));
    await plantFacts(copy, facts);
    const folders = { folders: [copy], tokens: maxTokens, encode: true };
    await withFolders(engine, folders, output, signal, async ({ folders: opened }) => {
      const context = opened.all[0]?.index;
      if (context === undefined) {
        throw new EngineError('INTERNAL', 'The folder is not open.');
      }
      ranks.push(...(await askAll(engine, context, copy, facts, seed, output, signal)));
      const files = [...context.files.values()];
      const tokens = files.reduce((sum, file) => sum + file.tokens, 0);
      repositories.push({ name: path.basename(root), files: files.length, tokens });
    });
  }
  return { model: engine.model.name, ranks, repositories };
}

async function askAll(
  engine: Engine,
  context: FolderIndex,
  root: string,
  facts: readonly Fact[],
  seed: number,
  output: Output,
  signal: AbortSignal,
): Promise<Ranks[]> {
  const index = new Bm25Index<string>();
  for (const file of context.files.keys()) {
    index.add(file, `${file}\n${await readNamedText(path.join(root, file))}`);
  }
  const ranks: Ranks[] = [];
  for (const [i, fact] of facts.entries()) {
    const question = `What is the default of ${fact.name}?`;
    const chunks = context.chunksFor(undefined, question);
    const messages = [{ role: 'user', content: engine.tokenize(question) }] as const;
    const tokens = await chatTokens(engine, messages, signal);
    const generation = await engine.generate({
      sequence: 'chat',
      tokens: concatenate([engine.chunks?.anchor ?? [], tokens]),
      maxTokens: answerTokens,
      sampling: { temperature: 0, topK: 1, topP: 1, seed: 0 },
      signal,
      chunks,
      countAttention: true,
    });
    const attended = (generation.attention?.chunks ?? []).map(({ chunk, shares }) => {
      const source = context.sourceOf(chunk);
      return { shares, place: source && { ...source, uri: source.path } };
    });
    const citations = citationsOf(attended);
    // text search does not know which of several equal scores is the right one
    const equals = shuffled([...index.scores(termsOf(question))], randomNumbers(seed + i));
    const found = equals.toSorted(([, left], [, right]) => right - left).map(([file]) => file);
    ranks.push({
      attention: rankOf(
        citations.map(({ uri }) => uri),
        fact.definedIn,
      ),
      bm25: rankOf(found, fact.definedIn),
      randomAt3: Math.min(1, 3 / Math.max(1, context.files.size)),
      answered: generation.text.includes(fact.value),
    });
    output.progress('Questions', (i + 1) / facts.length);
  }
  output.progressDone();
  return ranks;
}

/** The rank of a file among the distinct ones, in their order. */
export function rankOf(files: readonly string[], right: string): number {
  const place = [...new Set(files)].indexOf(right);
  return place === -1 ? Number.POSITIVE_INFINITY : place;
}

export function figures(ranks: readonly Ranks[]) {
  const share = (is: (one: Ranks) => boolean) => ranks.filter(is).length / ranks.length;
  return {
    questions: ranks.length,
    precisionAt1: share(({ attention }) => attention < 1),
    precisionAt3: share(({ attention }) => attention < 3),
    bm25PrecisionAt1: share(({ bm25 }) => bm25 < 1),
    bm25PrecisionAt3: share(({ bm25 }) => bm25 < 3),
    randomPrecisionAt3: ranks.reduce((sum, { randomAt3 }) => sum + randomAt3, 0) / ranks.length,
    /** The share of answers that contain the constant's value. */
    answered: share(({ answered }) => answered),
  };
}

type CitationsRecord = ReturnType<typeof figures> & {
  readonly model: string;
  readonly repositories: readonly RepositorySize[];
};

function report(result: CitationsRecord, json: boolean, output: Output): void {
  if (json) {
    output.json(result);
    return;
  }
  const percent = (share: number) => `${fixed(100 * share, 0)} %`;
  output.lines([
    `${result.model}: ${result.questions} questions, ${percent(result.answered)} answered right`,
    `the right file is cited first: ${percent(result.precisionAt1)}, among the first three: ${percent(result.precisionAt3)}`,
    `text search (BM25): ${percent(result.bm25PrecisionAt1)} and ${percent(result.bm25PrecisionAt3)}; at random among the first three: ${percent(result.randomPrecisionAt3)}`,
  ]);
}
