/**
 * The last step of the index: encodes the pending chunks of all folders in the background. It takes what is on disk
 * already, then encodes batch after batch, the most relevant chunks first. It makes way: the engine runs every request
 * before the next micro-batch, and between two batches the lane waits while the user types. Nothing ever waits for the
 * lane, except a person who asked for it.
 */

import { doneOrAborted } from '../../base/cancellable';
import { cancelled, EngineError, type ErrorCode, isCancelled, throwIfAborted, toEngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { ChunkEncoder, Engine } from '../../engine/engine';
import type { RepositoryStatus } from '../../protocol/server';
import type { FolderIndex } from '../folder-index';
import type { WorkspaceFolders } from '../workspace-folders';
import { type ContextChunk, openChunk, settle } from './context-chunk';
import { EncodingPauses } from './encoding-pauses';
import { type EncodingFigures, EncodingProgress } from './encoding-progress';

export interface EncodingLaneOptions {
  readonly log: Log;
  /** Is called when progress was made, and when the lane started or stopped. */
  readonly onChange: () => void;
  readonly onBattery?: (() => Promise<boolean>) | undefined;
  /** False: nothing is encoded before somebody calls {@link EncodingLane.finish}. Default: true. */
  readonly background?: boolean | undefined;
}

/** Small files share a batch. */
const batchTokens = 1024;
/** While files are still being read, a small batch waits for more. */
const gatherMs = 20;

/** Failures that are not the fault of one chunk: the next one would fail as well. */
const generalFailures: ReadonlySet<ErrorCode> = new Set(['OUT_OF_MEMORY', 'BACKEND', 'INTERNAL', 'DISK_FULL']);

export class EncodingLane {
  readonly #folders: Pick<WorkspaceFolders, 'byUse'>;
  readonly #options: EncodingLaneOptions;
  readonly #pauses: EncodingPauses;
  #engine: Engine | undefined;
  #pausedByUser = false;
  #loop: Promise<void> | undefined;
  #batch: AbortController | undefined;
  readonly #progress = new EncodingProgress();
  #woken = false;
  #finishing = 0;
  #failure: EngineError | undefined;
  #reportedProblem = '';
  readonly #suspects = new WeakSet<ContextChunk>();
  #closed = false;

  /** @param folders whose pending chunks are encoded, those of the folder that was used last first */
  constructor(folders: Pick<WorkspaceFolders, 'byUse'>, options: EncodingLaneOptions) {
    this.#folders = folders;
    this.#options = options;
    this.#pauses = new EncodingPauses(() => this.wake(), options.onBattery);
  }

  /** How far the lane is; undefined while nothing is being encoded. */
  get progress(): EncodingFigures | undefined {
    const running = this.#indexes().flatMap((index) => index.chunksIn('encoding'));
    return this.#progress.figures([...this.#pending(), ...running]);
  }

  get paused(): RepositoryStatus['paused'] {
    if (this.#pausedByUser) {
      return 'user';
    }
    const waits = this.#pauses.onBattery && this.#finishing === 0;
    return waits && this.#pending().length > 0 ? 'battery' : undefined;
  }

  /** Bytes that the chunks of the loaded model take on disk. */
  get diskBytes(): number | undefined {
    return this.#engine?.chunks?.disk.bytes;
  }

  /** The speed, measured over the batches so far. */
  get tokensPerSecond(): number | undefined {
    return this.#progress.tokensPerSecond;
  }

  use(engine: Engine | undefined): void {
    if (engine === this.#engine) {
      return;
    }
    this.#engine = engine;
    this.#progress.forgetSpeed();
    this.#failure = undefined;
    this.#batch?.abort();
    this.wake();
  }

  configure(pauseOnBattery: boolean): void {
    this.#pauses.setPauseOnBattery(pauseOnBattery);
    this.wake();
  }

  pause(): void {
    this.#pausedByUser = true;
    this.#batch?.abort();
    this.#pauses.wake();
    this.#options.onChange();
  }

  resume(): void {
    this.#pausedByUser = false;
    this.#failure = undefined;
    this.wake();
  }

  /** The user types or asks: the lane begins no batch for a moment. */
  noteActivity(): void {
    this.#pauses.noteActivity();
  }

  /** Begins to work if there is something to do. */
  wake(): void {
    if (!this.#mayWork()) {
      return;
    }
    this.#woken = true;
    if (this.#loop === undefined) {
      this.#loop = this.#work().finally(() => {
        this.#loop = undefined;
        if (this.#woken) {
          // somebody woke the lane while its loop was ending
          this.wake();
        }
      });
    }
  }

  /**
   * Encodes all pending chunks, also on battery and while the user types; settles when they are done. When the signal
   * aborts, the rest is encoded in the background.
   * @throws EngineError CANCELLED, PAUSED; what encoding failed with
   */
  async finish(signal: AbortSignal): Promise<void> {
    this.#finishing++;
    this.#failure = undefined;
    this.#pauses.wake();
    try {
      for (;;) {
        throwIfAborted(signal);
        await this.#upToDate(signal);
        if (this.#pausedByUser) {
          throw new EngineError('PAUSED', 'FASA Code is paused.');
        }
        if (this.#failure !== undefined) {
          throw this.#failure;
        }
        if (this.#engine?.chunks === undefined || this.#closed) {
          throw cancelled();
        }
        // the chunks of a batch that is being encoded are not pending, and not done either
        if (this.#pending().length > 0) {
          this.wake();
        } else if (this.#loop === undefined) {
          return;
        }
        await doneOrAborted(this.#loop ?? Promise.resolve(), signal);
      }
    } finally {
      this.#finishing--;
    }
  }

  /** Takes the chunks that are on disk, and encodes none. @throws EngineError CANCELLED */
  async openAll(signal: AbortSignal): Promise<void> {
    await this.#upToDate(signal);
    const encoder = this.#engine?.chunks;
    for (const chunk of encoder === undefined ? [] : this.#pending()) {
      if (chunk.state === 'new' && encoder !== undefined) {
        await openChunk(encoder, chunk, signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#batch?.abort();
    this.#pauses.close();
    await this.#loop;
  }

  #indexes(): readonly FolderIndex[] {
    return this.#folders.byUse.map(({ index }) => index);
  }

  async #upToDate(signal: AbortSignal): Promise<void> {
    for (const index of this.#indexes()) {
      await index.upToDate(signal);
    }
  }

  #mayWork(): boolean {
    const asked = this.#finishing > 0 || this.#options.background !== false;
    return (
      asked && this.#engine?.chunks !== undefined && !this.#closed && !this.#pausedByUser && this.#failure === undefined
    );
  }

  #pending(): ContextChunk[] {
    return this.#indexes().flatMap((index) => index.pending());
  }

  /** Works until no chunk is pending, or the lane may not go on. Never rejects. */
  async #work(): Promise<void> {
    // the caller of wake() may not be done yet
    await Promise.resolve();
    try {
      for (;;) {
        this.#woken = false;
        if (!this.#mayWork()) {
          break;
        }
        const encoder = this.#engine?.chunks;
        const pending = this.#pending();
        if (encoder === undefined || pending.length === 0) {
          break;
        }
        const unknown = pending.filter((chunk) => chunk.state === 'new');
        if (unknown.length > 0) {
          await this.#open(encoder, unknown);
        } else if (isSmall(pending) && this.#indexes().some((index) => index.isUpdating)) {
          // more files are about to come, and together they make a batch
          await this.#pauses.sleep(gatherMs);
        } else if (await this.#mayEncode()) {
          await this.#encode();
        } else {
          break;
        }
      }
    } finally {
      this.#progress.end();
      this.#options.onChange();
    }
  }

  async #open(encoder: ChunkEncoder, chunks: readonly ContextChunk[]): Promise<void> {
    await this.#during(async (signal) => {
      for (const chunk of chunks) {
        await openChunk(encoder, chunk, signal);
        this.#options.onChange();
      }
    });
  }

  async #encode(): Promise<void> {
    const encoder = this.#engine?.chunks;
    // the pending chunks may have changed while the user typed
    const waiting = this.#pending().filter((chunk) => chunk.state === 'absent');
    if (encoder === undefined || waiting.length === 0 || !this.#mayWork()) {
      return;
    }
    const batch = this.#firstBatch(waiting);
    this.#progress.begin();
    for (const chunk of batch) {
      chunk.state = 'encoding';
    }
    this.#options.onChange();
    const tokens = batch.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
    const started = performance.now();
    await this.#during(
      async (signal) => {
        const encoded = await encoder.encode(
          batch.map((chunk) => chunk.tokens),
          signal,
          (done) => {
            this.#progress.running(done);
            this.#options.onChange();
          },
        );
        for (const [at, one] of encoded.entries()) {
          const chunk = batch[at];
          if (chunk === undefined) {
            one.dispose();
          } else {
            settle(chunk, one);
          }
        }
        this.#progress.done(tokens, this.#filesDoneBy(batch), performance.now() - started);
      },
      (failure) => {
        // the engine keeps the chunks of the batch that were complete: they are opened from disk
        for (const chunk of batch) {
          if (chunk.state === 'encoding') {
            const again = failure === undefined || batch.length > 1;
            chunk.state = again ? 'new' : 'failed';
            if (failure !== undefined) {
              // one chunk is at fault: each gets a batch of its own
              this.#suspects.add(chunk);
            }
          }
        }
      },
    );
    this.#progress.running(0);
    this.#options.onChange();
  }

  #firstBatch(pending: readonly ContextChunk[]): ContextChunk[] {
    const batch: ContextChunk[] = [];
    let tokens = 0;
    for (const chunk of pending) {
      const fits = tokens + chunk.tokens.length <= batchTokens && !this.#suspects.has(chunk);
      if (batch.length > 0 && !fits) {
        break;
      }
      batch.push(chunk);
      tokens += this.#suspects.has(chunk) ? batchTokens : chunk.tokens.length;
    }
    return batch;
  }

  /** How many files of the batch have no pending chunks any more. */
  #filesDoneBy(batch: readonly ContextChunk[]): number {
    const waiting = new Set(this.#pending().map((chunk) => chunk.path));
    return new Set(batch.map((chunk) => chunk.path).filter((path) => !waiting.has(path))).size;
  }

  /**
   * Runs work that ends when the lane is paused or closed or gets another engine. Never rejects: a failure is logged,
   * once.
   */
  async #during(
    work: (signal: AbortSignal) => Promise<void>,
    onEnd: (failure: EngineError | undefined) => void = () => undefined,
  ): Promise<void> {
    const batch = new AbortController();
    this.#batch = batch;
    try {
      await work(batch.signal);
    } catch (error) {
      const failure = toEngineError(error);
      if (batch.signal.aborted || isCancelled(failure)) {
        onEnd(undefined);
        // more urgent work may be the reason
        this.noteActivity();
      } else if (failure.code === 'DISPOSED') {
        onEnd(undefined);
        this.#engine = undefined;
      } else {
        const general = generalFailures.has(failure.code);
        onEnd(general ? undefined : failure);
        this.#failure = general ? failure : undefined;
        this.#reportProblem(`Encoding failed: ${failure.code}: ${failure.message} ${failure.remedy}`);
      }
    } finally {
      this.#batch = undefined;
    }
  }

  /** Logs each problem once: a batch that fails is tried again in parts. */
  #reportProblem(problem: string): void {
    if (problem !== this.#reportedProblem) {
      this.#reportedProblem = problem;
      this.#options.log.error(problem);
    }
  }

  /** Waits while the user types. @returns false: on battery, encoding waits */
  async #mayEncode(): Promise<boolean> {
    if (this.#finishing === 0) {
      await this.#pauses.untilIdle();
    }
    return this.#finishing > 0 || !(await this.#pauses.batteryForbids());
  }
}

function isSmall(pending: readonly ContextChunk[]): boolean {
  return pending.reduce((sum, chunk) => sum + chunk.tokens.length, 0) < batchTokens;
}
