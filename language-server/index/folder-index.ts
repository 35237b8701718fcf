/**
 * What of one folder is in the context: which files, cut into which chunks, and which of those are encoded. It follows
 * the files, the user's choices and the documents that are open; it never encodes: the lane does (encoding-lane.ts).
 */

import { isCancelled, throwIfAborted, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { CompositionPolicy, EncodedChunk, Engine, RetrievedChunk } from '../engine/engine';
import { type FileRecord, FileRecords } from './chunk/file-records';
import { recentInGit } from './discover/git-log';
import { IgnoreRules } from './discover/ignore/ignore-rules';
import type { LeftOutReason } from './discover/left-out';
import type { SourceFiles } from './discover/source-files';
import { type Survey, survey } from './discover/walk';
import type { ChunkState, ContextChunk } from './encode/context-chunk';
import type { TermWeights } from './rank/bm25';
import { mostRelevant, priorsOf } from './rank/composition';
import { importsOf, noFacts, orderFiles, type RelevanceFacts } from './rank/order';
import { raiseImported, type Topic, termsOf } from './rank/relevance';

export interface ContextParts {
  readonly sources: SourceFiles;
  readonly log: Log;
  /** What is in, or what is encoded of it, changed. */
  readonly onChange: () => void;
  /** Most tokens of this folder. */
  readonly budget: (engine: Engine) => Promise<number>;
}

const emptySurvey: Survey = { files: [], leftOut: new Map(), folders: [], truncated: false, ruleProblems: [] };
/** Events come in bursts: a branch switch, a formatter, a save of all. */
const debounceMs = 200;
/** More new paths than this, and the folder is walked again without a look at each. */
const maxNewPaths = 64;
const maxEdited = 200;
/** Files that are too large for what is left of the budget are passed over, so many times. */
const maxMisses = 64;

export class RepositoryContext {
  readonly #parts: ContextParts;
  readonly #records: FileRecords;
  readonly #sources = new WeakMap<EncodedChunk, ContextChunk>();
  #engine: Engine | undefined;
  #enabled = true;
  #survey = emptySurvey;
  #facts: RelevanceFacts = noFacts;
  /** Of the last request. */
  #terms: TermWeights = new Map();
  #wanted: ReadonlyMap<string, FileRecord> = new Map();
  #leftOut: ReadonlyMap<string, LeftOutReason> = new Map();
  #budget = 0;
  #surveyIsStale = true;
  #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #planning: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  #again = false;
  #closed = false;

  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.#records = new FileRecords(parts.sources);
  }

  get sources(): SourceFiles {
    return this.#parts.sources;
  }

  /** Files in the context, most relevant first. */
  get files(): ReadonlyMap<string, FileRecord> {
    return this.#wanted;
  }

  /** Tokens of a file that did not fit into the budget, if it was read. */
  tokensLeftOut(path: string): number {
    return this.#records.tokensLeftOut(path);
  }

  /** Files and folders (with a slash at the end) that are not, and why. */
  get leftOut(): ReadonlyMap<string, LeftOutReason> {
    return this.#leftOut;
  }

  /** Folders that were walked, relative; for a watcher. */
  get folders(): readonly string[] {
    return this.#survey.folders;
  }

  /** Whole sentences on ignore files and patterns that are not applied. */
  get ruleProblems(): readonly string[] {
    return this.#survey.ruleProblems;
  }

  get budgetTokens(): number {
    return this.#budget;
  }

  get facts(): RelevanceFacts {
    return this.#facts;
  }

  /** The engine that reads; another one than before forgets all chunks. undefined: none is loaded. */
  use(engine: Engine | undefined): void {
    if (engine === this.#engine) {
      return;
    }
    this.#planning?.controller.abort();
    this.#forget();
    this.#engine = engine;
    this.#plan(0);
  }

  /** @param exclude globs that leave files out */
  configure(enabled: boolean, exclude: readonly string[]): void {
    this.#enabled = enabled;
    this.#parts.sources.rules.exclude(exclude);
    this.walkAgain(0);
  }

  /** The documents that are open in the editor, the one used last first. */
  setOpen(open: RelevanceFacts['open']): void {
    const same =
      open.length === this.#facts.open.length && open.every((file, at) => file.path === this.#facts.open[at]?.path);
    this.#facts = { ...this.#facts, open };
    if (!same) {
      this.#plan(debounceMs);
    }
  }

  /** Files that may have changed, appeared or gone. @param relative paths below the folder */
  noteChanges(relative: readonly string[]): void {
    for (const changed of relative) {
      this.#changed.add(changed);
    }
    if (this.#changed.size > 0) {
      this.#plan(debounceMs);
    }
  }

  /** Rules, choices or many files changed. */
  walkAgain(delayMs = debounceMs): void {
    this.#surveyIsStale = true;
    this.#plan(delayMs);
  }

  get isPlanning(): boolean {
    return this.#planning !== undefined;
  }

  /** Settles when nothing is left to plan. */
  async planned(signal?: AbortSignal): Promise<void> {
    while (this.#timer !== undefined || this.#planning !== undefined) {
      throwIfAborted(signal);
      if (this.#timer !== undefined) {
        this.#start();
      }
      await this.#planning?.done;
    }
  }

  /** Chunks that are to be looked for or encoded, most relevant first. */
  pending(): ContextChunk[] {
    return this.chunksIn('new', 'absent');
  }

  /** Most relevant first. */
  chunksIn(...states: readonly ChunkState[]): ContextChunk[] {
    const found: ContextChunk[] = [];
    for (const { chunks } of this.#wanted.values()) {
      for (const chunk of chunks) {
        if (states.includes(chunk.state)) {
          found.push(chunk);
        }
      }
    }
    return found;
  }

  /**
   * What a request reads beside its own tokens: all that is encoded at this moment, without the document's own file,
   * whose live text the request has itself.
   * @param own path of the document below the folder
   */
  chunksFor(own: string | undefined, topic: Topic, policy: CompositionPolicy = this.policy): RetrievedChunk[] {
    this.#terms = termsOf(topic);
    const likeness = this.#records.scores(this.#terms);
    const sources = [...this.#wanted.values()].flatMap(({ chunks: ofFile }) => ofFile);
    const imported = new Set(
      own === undefined || typeof topic === 'string'
        ? []
        : importsOf({ path: own, text: topic.document }, this.sources.root, this.#wanted),
    );
    // with the document's own chunks among them, which are most like it: so it was measured
    const scores = raiseImported(
      sources.map((source) => likeness.get(source) ?? 0),
      sources.map(({ path }) => imported.has(path)),
    );
    const all = sources.flatMap((source, i) => {
      if (source.path === own || source.encoded === undefined) {
        return [];
      }
      this.#sources.set(source.encoded, source);
      return [{ chunk: source.encoded, score: scores[i] ?? 0 }];
    });
    const chunks = mostRelevant(all, policy.maxTokens);
    const priors = priorsOf(
      chunks.map(({ score }) => score),
      policy.priorStrength,
    );
    return chunks.map(({ chunk }, at) => ({ chunk, prior: priors[at] ?? 0 }));
  }

  /** Where a chunk of {@link chunksFor} stands in its file; undefined for one that is of another folder. */
  sourceOf(chunk: EncodedChunk): ContextChunk | undefined {
    return this.#sources.get(chunk);
  }

  /** Chunks on disk are gone: retrieved ones stay, those that wait have to be encoded. */
  noteDiskCleared(): void {
    for (const chunk of this.pending()) {
      chunk.state = 'absent';
    }
  }

  /** The file of a chunk was cut short or replaced: it is looked for again, and encoded if it is not usable. */
  noteLost(lost: EncodedChunk): void {
    const chunk = this.#sources.get(lost);
    if (chunk?.encoded === lost) {
      chunk.encoded = undefined;
      chunk.state = 'new';
      lost.dispose();
    }
  }

  /** Of the engine; without one, nothing is retrieved. */
  get policy(): CompositionPolicy {
    return this.#engine?.chunks?.policy ?? { priorStrength: 0, maxTokens: 0 };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#planning?.controller.abort();
    await this.#planning?.done;
    this.#forget();
  }

  #forget(): void {
    this.#records.clear();
    this.#wanted = new Map();
    this.#leftOut = new Map();
    this.#surveyIsStale = true;
  }

  #plan(delayMs: number): void {
    if (this.#closed) {
      return;
    }
    if (this.#planning !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), delayMs);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#planning !== undefined || this.#closed) {
      return;
    }
    const controller = new AbortController();
    this.#planning = { controller, done: this.#makePlan(controller.signal) };
  }

  /** Never rejects. */
  async #makePlan(signal: AbortSignal): Promise<void> {
    try {
      await this.#choose(signal);
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#parts.log.error(`The repository could not be read: ${failure.code}: ${failure.message}`);
      }
    }
    this.#planning = undefined;
    if (this.#again) {
      this.#again = false;
      this.#plan(signal.aborted ? 0 : debounceMs);
    }
    if (this.#engine !== undefined) {
      this.#parts.onChange();
    }
  }

  async #choose(signal: AbortSignal): Promise<void> {
    const engine = this.#engine;
    if (engine?.chunks === undefined || !this.#enabled) {
      this.#forget();
      this.#survey = emptySurvey;
      return;
    }
    const changed = this.#changed;
    this.#changed = new Set();
    try {
      await this.#chooseAmong(engine, changed, signal);
    } catch (error) {
      for (const path of changed) {
        this.#changed.add(path);
      }
      throw error;
    }
  }

  async #chooseAmong(engine: Engine, changed: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await this.#weighChanges(changed);
    if (this.#surveyIsStale) {
      this.#surveyIsStale = false;
      try {
        this.#survey = await survey(this.#parts.sources, { signal });
      } catch (error) {
        this.#surveyIsStale = true;
        throw error;
      }
      this.#facts = { ...this.#facts, committed: await recentInGit(this.#parts.sources.root, signal) };
      throwIfAborted(signal);
      this.#records.compareAgain();
    }
    this.#budget = await this.#parts.budget(engine);
    throwIfAborted(signal);
    const facts = { ...this.#facts, scores: this.#fileScores() };
    const ordered = orderFiles(this.#survey.files, this.#parts.sources.root, facts);
    const wanted = new Map<string, FileRecord>();
    const leftOut = new Map(this.#survey.leftOut);
    if (this.#wanted.size === 0) {
      // the first time, what was read can be encoded while the rest is read
      this.#wanted = wanted;
      this.#leftOut = leftOut;
    }
    let used = 0;
    let misses = 0;
    for (const path of ordered) {
      throwIfAborted(signal);
      if (used >= this.#budget || misses >= maxMisses) {
        leftOut.set(path, 'over the budget');
        continue;
      }
      const room = this.#budget - used;
      const record = await this.#records.get(engine, path, { changed: changed.has(path), room, signal });
      if ('reason' in record) {
        if (record.reason !== undefined) {
          leftOut.set(path, record.reason);
        }
        misses += record.reason === 'over the budget' ? 1 : 0;
        continue;
      }
      wanted.set(path, record);
      used += record.tokens;
      if (this.#wanted === wanted) {
        this.#parts.onChange();
      }
    }
    this.#wanted = wanted;
    this.#leftOut = leftOut;
    this.#records.keepOnly(wanted);
  }

  /** What events named: whether the folder needs another walk, and what the user edited. */
  async #weighChanges(changed: ReadonlySet<string>): Promise<void> {
    const known = new Set(this.#survey.files);
    const edited = [...changed].filter((path) => known.has(path));
    const added = [...changed].filter((path) => !known.has(path) && !this.#isLeftOut(path));
    if (edited.length > 0 && edited.length <= maxEdited) {
      const before = this.#facts.edited.filter((path) => !changed.has(path));
      this.#facts = { ...this.#facts, edited: [...edited, ...before].slice(0, maxEdited) };
    }
    this.#surveyIsStale ||= added.length > maxNewPaths || [...changed].some((path) => IgnoreRules.isRuleFile(path));
    for (const path of added) {
      // one that is new, or a folder: the walk tells
      this.#surveyIsStale ||= (await this.#parts.sources.rules.whyIgnored(path, false)) === undefined;
    }
  }

  /** Below a folder, or a file, that the last walk left out; what is built there is nobody's business. */
  #isLeftOut(path: string): boolean {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      if (this.#survey.leftOut.has(path.slice(0, end + 1))) {
        return true;
      }
    }
    return this.#survey.leftOut.has(path);
  }

  /** Likeness of each file to the text that was asked about last: that of its best chunk. */
  #fileScores(): ReadonlyMap<string, number> {
    const scores = new Map<string, number>();
    for (const [{ path }, score] of this.#records.scores(this.#terms)) {
      scores.set(path, Math.max(score, scores.get(path) ?? 0));
    }
    return scores;
  }
}
