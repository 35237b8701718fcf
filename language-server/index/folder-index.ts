/**
 * The index of one folder, in the order of its steps: it discovers the files that may be read, ranks them, cuts them into
 * chunks until the index size limit is reached, and names the chunks that a request retrieves. The last step, encoding,
 * is that of the lane (encode/encoding-lane.ts), which takes the chunks that are pending here. The index follows the
 * files, the user's choices and the documents that are open.
 */

import { isCancelled, throwIfAborted, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { CompositionPolicy, EncodedChunk, Engine, RetrievedChunk } from '../engine/engine';
import { type FileRecord, FileRecords } from './chunk/file-records';
import { recentInGit } from './discover/git-log';
import { IgnoreRules } from './discover/ignore/ignore-rules';
import type { LeftOutReason } from './discover/left-out';
import type { SourceFiles } from './discover/source-files';
import { type FolderListing, listFolder } from './discover/walk';
import type { ChunkState, ContextChunk } from './encode/context-chunk';
import type { IndexSizeLimit } from './encode/size-limit';
import type { TermWeights } from './rank/bm25';
import { mostRelevant, priorsOf } from './rank/composition';
import { importsOf, noFacts, orderFiles, type RelevanceFacts } from './rank/order';
import { raiseImported, type Topic, termsOf } from './rank/relevance';
import { debounceMs, UpdateSchedule } from './update-schedule';

interface FolderIndexParts {
  readonly sources: SourceFiles;
  readonly sizeLimit: Pick<IndexSizeLimit, 'tokensFor'>;
  readonly log: Log;
}

const emptyListing: FolderListing = { files: [], leftOut: new Map(), folders: [], truncated: false, ruleProblems: [] };
/** With more new paths than these, the folder is walked again without checking each. */
const maxNewPaths = 64;
const maxEdited = 200;
/** So many files that are too large for what is left of the index size limit are passed over. */
const maxSkipped = 64;

export class FolderIndex {
  /** Is called when the files of the index, or what is encoded of them, changed. */
  onChange: () => void = () => undefined;
  readonly #parts: FolderIndexParts;
  readonly #records: FileRecords;
  /** Where the chunks stand that requests were given. */
  readonly #retrieved = new WeakMap<EncodedChunk, ContextChunk>();
  readonly #updates = new UpdateSchedule(
    (signal) => this.#update(signal),
    () => this.#updated(),
  );
  #engine: Engine | undefined;
  #enabled = true;
  #listing = emptyListing;
  #listingIsStale = true;
  #facts: RelevanceFacts = noFacts;
  /** The terms that the last request was about. */
  #terms: TermWeights = new Map();
  #files: ReadonlyMap<string, FileRecord> = new Map();
  #leftOut: ReadonlyMap<string, LeftOutReason> = new Map();
  #sizeLimitTokens: number | undefined;
  /** Paths that events named since the last update. */
  #changed = new Set<string>();

  constructor(parts: FolderIndexParts) {
    this.#parts = parts;
    this.#records = new FileRecords(parts.sources);
  }

  get sources(): SourceFiles {
    return this.#parts.sources;
  }

  /** The files of the index, most relevant first. */
  get files(): ReadonlyMap<string, FileRecord> {
    return this.#files;
  }

  /** Tokens of a file that did not fit into the index, if it was read. */
  tokensLeftOut(path: string): number {
    return this.#records.tokensLeftOut(path);
  }

  /** Files and folders (with a slash at the end) that are not in the index, and why. */
  get leftOut(): ReadonlyMap<string, LeftOutReason> {
    return this.#leftOut;
  }

  /** Relative paths of the folders that were walked, for a watcher. */
  get folders(): readonly string[] {
    return this.#listing.folders;
  }

  /** Whole sentences on ignore files and patterns that are not applied. */
  get ruleProblems(): readonly string[] {
    return this.#listing.ruleProblems;
  }

  /** The index size limit of this folder at its last update. */
  get sizeLimitTokens(): number {
    return this.#sizeLimitTokens ?? 0;
  }

  get facts(): RelevanceFacts {
    return this.#facts;
  }

  /**
   * Takes the engine that tokenizes, encodes and reads. Another engine than before forgets all chunks; undefined: none
   * is loaded.
   */
  use(engine: Engine | undefined): void {
    if (engine === this.#engine) {
      return;
    }
    this.#updates.abort();
    this.#forget();
    this.#engine = engine;
    this.#sizeLimitTokens = undefined;
    this.#updates.request(0);
  }

  /** @param exclude globs of files that are left out */
  configure(enabled: boolean, exclude: readonly string[]): void {
    this.#enabled = enabled;
    this.#sizeLimitTokens = undefined;
    this.sources.rules.exclude(exclude);
    this.walkAgain(0);
  }

  /** The documents that are open in the editor, the one used last first. */
  setOpen(open: RelevanceFacts['open']): void {
    const same =
      open.length === this.#facts.open.length && open.every((file, at) => file.path === this.#facts.open[at]?.path);
    this.#facts = { ...this.#facts, open };
    if (!same) {
      this.#updates.request();
    }
  }

  /** Files may have changed, appeared or gone. @param relative paths below the folder */
  noteChanges(relative: readonly string[]): void {
    for (const changed of relative) {
      this.#changed.add(changed);
    }
    if (this.#changed.size > 0) {
      this.#updates.request();
    }
  }

  /** Rules, choices or many files changed: the folder is walked at the next update. */
  walkAgain(delayMs = debounceMs): void {
    this.#listingIsStale = true;
    this.#updates.request(delayMs);
  }

  get isUpdating(): boolean {
    return this.#updates.isRunning;
  }

  /** Settles when the index has taken in every change that was reported to it. @throws EngineError CANCELLED */
  async upToDate(signal?: AbortSignal): Promise<void> {
    await this.#updates.settled(signal);
  }

  /** Chunks that have to be opened from disk or encoded, most relevant first. */
  pending(): ContextChunk[] {
    return this.chunksIn('new', 'absent');
  }

  /** Most relevant first. */
  chunksIn(...states: readonly ChunkState[]): ContextChunk[] {
    const found: ContextChunk[] = [];
    for (const { chunks } of this.#files.values()) {
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
    const similarity = this.#records.scores(this.#terms);
    const chunks = [...this.#files.values()].flatMap(({ chunks: ofFile }) => ofFile);
    const imported = new Set(
      own === undefined || typeof topic === 'string'
        ? []
        : importsOf({ path: own, text: topic.document }, this.sources.root, this.#files),
    );
    // the scores are those that were measured: with the document's own chunks, the most similar ones, among them
    const scores = raiseImported(
      chunks.map((chunk) => similarity.get(chunk) ?? 0),
      chunks.map(({ path }) => imported.has(path)),
    );
    const readable = chunks.flatMap((chunk, i) => {
      if (chunk.path === own || chunk.encoded === undefined) {
        return [];
      }
      this.#retrieved.set(chunk.encoded, chunk);
      return [{ chunk: chunk.encoded, score: scores[i] ?? 0 }];
    });
    const best = mostRelevant(readable, policy.maxTokens);
    const priors = priorsOf(
      best.map(({ score }) => score),
      policy.priorStrength,
    );
    return best.map(({ chunk }, at) => ({ chunk, prior: priors[at] ?? 0 }));
  }

  /** Where a chunk of {@link chunksFor} stands in its file; undefined for a chunk of another folder. */
  sourceOf(chunk: EncodedChunk): ContextChunk | undefined {
    return this.#retrieved.get(chunk);
  }

  /** The chunks on disk are gone: those in memory stay, those that were not opened yet have to be encoded. */
  noteDiskCleared(): void {
    for (const chunk of this.pending()) {
      chunk.state = 'absent';
    }
  }

  /** The file of a chunk was cut short or replaced: it is opened again, or encoded if it is not usable. */
  noteLost(lost: EncodedChunk): void {
    const chunk = this.#retrieved.get(lost);
    if (chunk?.encoded === lost) {
      chunk.encoded = undefined;
      chunk.state = 'new';
      lost.dispose();
    }
  }

  /** The engine's policy; without an engine nothing is retrieved. */
  get policy(): CompositionPolicy {
    return this.#engine?.chunks?.policy ?? { priorStrength: 0, maxTokens: 0 };
  }

  async close(): Promise<void> {
    await this.#updates.close();
    this.#forget();
  }

  #forget(): void {
    this.#records.clear();
    this.#files = new Map();
    this.#leftOut = new Map();
    this.#listingIsStale = true;
  }

  #updated(): void {
    if (this.#engine !== undefined) {
      this.onChange();
    }
  }

  /** Never rejects. */
  async #update(signal: AbortSignal): Promise<void> {
    const engine = this.#engine;
    if (engine?.chunks === undefined || !this.#enabled) {
      this.#forget();
      this.#listing = emptyListing;
      return;
    }
    const changed = this.#changed;
    this.#changed = new Set();
    try {
      await this.#discover(changed, signal);
      const ordered = await this.#rank(engine, signal);
      await this.#chunk(engine, ordered, changed, signal);
    } catch (error) {
      for (const path of changed) {
        this.#changed.add(path);
      }
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#parts.log.error(`The repository could not be read: ${failure.code}: ${failure.message}`);
      }
    }
  }

  /** Step 1: walks the folder, unless the list of its files is still good. */
  async #discover(changed: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await this.#noteEdits(changed);
    if (!this.#listingIsStale) {
      return;
    }
    this.#listingIsStale = false;
    try {
      this.#listing = await listFolder(this.sources, { signal });
    } catch (error) {
      this.#listingIsStale = true;
      throw error;
    }
    this.#facts = { ...this.#facts, committed: await recentInGit(this.sources.root, signal) };
    throwIfAborted(signal);
    this.#records.compareAgain();
  }

  /** What events named: decides whether the folder needs another walk, and remembers what the user edited. */
  async #noteEdits(changed: ReadonlySet<string>): Promise<void> {
    const known = new Set(this.#listing.files);
    const edited = [...changed].filter((path) => known.has(path));
    const added = [...changed].filter((path) => !known.has(path) && !this.#isLeftOut(path));
    if (edited.length > 0 && edited.length <= maxEdited) {
      const before = this.#facts.edited.filter((path) => !changed.has(path));
      this.#facts = { ...this.#facts, edited: [...edited, ...before].slice(0, maxEdited) };
    }
    this.#listingIsStale ||= added.length > maxNewPaths || [...changed].some((path) => IgnoreRules.isRuleFile(path));
    for (const path of added) {
      // the path is a new file or a folder: the walk finds out
      this.#listingIsStale ||= (await this.sources.rules.whyIgnored(path, false)) === undefined;
    }
  }

  /** Whether the last walk left the path out, or a folder above it: what is built there is not the index's business. */
  #isLeftOut(path: string): boolean {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      if (this.#listing.leftOut.has(path.slice(0, end + 1))) {
        return true;
      }
    }
    return this.#listing.leftOut.has(path);
  }

  /** Step 2: sets the index size limit, and puts the files into the order in which they are taken. */
  async #rank(engine: Engine, signal: AbortSignal): Promise<readonly string[]> {
    this.#sizeLimitTokens = await this.#parts.sizeLimit.tokensFor(engine, this.#bytesInMemory(), this.#sizeLimitTokens);
    throwIfAborted(signal);
    return orderFiles(this.#listing.files, this.sources.root, { ...this.#facts, scores: this.#fileScores() });
  }

  /**
   * Step 3: cuts the files into chunks until the index size limit is reached; what did not change is not read again.
   */
  async #chunk(
    engine: Engine,
    ordered: readonly string[],
    changed: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const files = new Map<string, FileRecord>();
    const leftOut = new Map(this.#listing.leftOut);
    if (this.#files.size === 0) {
      // the first time, what was read can be encoded while the rest is read
      this.#files = files;
      this.#leftOut = leftOut;
    }
    let used = 0;
    let skipped = 0;
    for (const path of ordered) {
      throwIfAborted(signal);
      const room = this.sizeLimitTokens - used;
      if (room <= 0 || skipped >= maxSkipped) {
        leftOut.set(path, 'over the budget');
        continue;
      }
      const record = await this.#records.get(engine, path, { changed: changed.has(path), room, signal });
      if ('reason' in record) {
        if (record.reason !== undefined) {
          leftOut.set(path, record.reason);
        }
        skipped += record.reason === 'over the budget' ? 1 : 0;
        continue;
      }
      files.set(path, record);
      used += record.tokens;
      if (this.#files === files) {
        this.onChange();
      }
    }
    this.#files = files;
    this.#leftOut = leftOut;
    this.#records.keepOnly(files);
  }

  /** Bytes of memory that the encoded chunks of the folder take. */
  #bytesInMemory(): number {
    let bytes = 0;
    for (const { chunks } of this.#files.values()) {
      bytes += chunks.reduce((sum, chunk) => sum + (chunk.encoded?.fastBytes ?? 0), 0);
    }
    return bytes;
  }

  /** Similarity of each file to the text that the last request was about: that of its best chunk. */
  #fileScores(): ReadonlyMap<string, number> {
    const scores = new Map<string, number>();
    for (const [{ path }, score] of this.#records.scores(this.#terms)) {
      scores.set(path, Math.max(score, scores.get(path) ?? 0));
    }
    return scores;
  }
}
