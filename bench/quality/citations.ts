/** `eval citations`: facts planted in known files; does what an answer looked at name the right file first? */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder } from '../../language-server/base/cache-folder';
import { EngineError } from '../../language-server/base/errors';
import { silentLog } from '../../language-server/base/log';
import { citationsOf } from '../../language-server/chat/citations';
import { chatTokens } from '../../language-server/chat/template/template';
import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import { findModel } from '../../language-server/cli/open-engine';
import type { Output } from '../../language-server/cli/output';
import type { Engine } from '../../language-server/engine/engine';
import { createNativeEngine } from '../../language-server/engine/native/native-engine';
import { concatenate } from '../../language-server/engine/native/token-parts';
import { readNamedText } from '../../language-server/index/discover/read-file';
import type { FolderIndex } from '../../language-server/index/folder-index';
import { Bm25Index } from '../../language-server/index/rank/bm25';
import { termsOf } from '../../language-server/index/rank/relevance';
import { WorkspaceIndex } from '../../language-server/index/workspace-index';
import { chunkStore, defaultSettings } from '../../language-server/server/settings';
import { randomNumbers, shuffled } from '../common/random';
import { copyRepository } from '../common/repository-copy';
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

export interface Ranks {
  /** 0-based place of the right file among those that were named; Infinity: not named. */
  readonly attention: number;
  readonly bm25: number;
  /** A random order has the right file among the first three so often. */
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
  const modelPath = await findModel(options.model, output, signal);
  const log = {
    ...silentLog,
    warn: (text: string) => output.message(text),
    error: (text: string) => output.message(text),
  };
  const usual = chunkStore(options.attention, { ...defaultSettings.repository, precision: options.rows }, log);
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(path.join(cacheFolder(), 'eval-citations-'));
  const engine = await createNativeEngine({
    modelPath,
    // the same constants every time: what was encoded once is found again
    ...(usual === undefined
      ? {}
      : { store: { ...usual, folder: path.join(cacheFolder(), 'eval-chunks', 'citations') } }),
    attention: options.attention,
    budget: options.budget,
    threads: options.threads,
    contextTokens: options.contextTokens,
    signal,
  });
  try {
    const ranks: Ranks[] = [];
    const repositories: RepositorySize[] = [];
    for (const [i, root] of roots.entries()) {
      const count = Math.floor(asked / roots.length) + (i < asked % roots.length ? 1 : 0);
      const copy = path.join(work, path.basename(root));
      const files = await copyRepository(root, copy, signal);
      const facts = chooseFacts(files, count, randomNumbers((options.seed ?? defaultSeed) + i));
      await plantFacts(copy, facts);
      const size = await withFolder(engine, copy, log, output, signal, async (context) => {
        ranks.push(...(await askAll(engine, context, copy, facts, options.seed ?? defaultSeed, output, signal)));
      });
      repositories.push({ name: path.basename(root), ...size });
    }
    if (ranks.length === 0) {
      throw new EngineError('BAD_ARGUMENT', `There are too few TypeScript, Python, Go or Rust files in ${corpus}.`);
    }
    report({ model: engine.model.name, repositories, ...figures(ranks) }, options.json, output);
  } finally {
    await engine.dispose();
    await rm(work, { recursive: true, force: true });
  }
}

async function withFolder(
  engine: Engine,
  folder: string,
  log: typeof silentLog,
  output: Output,
  signal: AbortSignal,
  work: (context: FolderIndex) => Promise<void>,
): Promise<Omit<RepositorySize, 'name'>> {
  const service = new WorkspaceIndex({
    log,
    onChange: () => {
      const { progress } = service.lane;
      if (progress !== undefined) {
        output.progress(`Encoding ${path.basename(folder)}`, progress.tokensDone / Math.max(1, progress.tokens));
      }
    },
    settings: { ...defaultSettings.repository, tokens: maxTokens },
    background: false,
  });
  try {
    service.addFolder(pathToFileURL(folder).href);
    service.use(engine);
    await service.lane.finish(signal);
    output.progressDone();
    const context = service.folders.all[0]?.index;
    if (context === undefined || engine.chunks === undefined) {
      throw new EngineError('BAD_CALIBRATION', `There is no calibration file for ${engine.model.name}.`);
    }
    await work(context);
    const files = [...context.files.values()];
    return { files: files.length, tokens: files.reduce((sum, { tokens }) => sum + tokens, 0) };
  } finally {
    await service.close();
  }
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
    const looked = (generation.attention?.chunks ?? []).map(({ chunk, shares }) => {
      const source = context.sourceOf(chunk);
      return { shares, place: source && { ...source, uri: source.path } };
    });
    const citations = citationsOf(looked);
    // text search does not know which of equals is the right one
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

/** Of the file among the distinct ones, in their order. */
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
    /** Share of the answers that hold the constant's value. */
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
