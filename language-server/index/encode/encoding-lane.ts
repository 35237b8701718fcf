/**
 * Encodes what the repositories want, in the background: first what is on disk already, then batch after batch, the most
 * relevant first. It steps aside: the engine lets every request pass between two micro-batches, and between two batches
 * the lane waits while the user types. Nothing ever waits for it, except a person who asked for it.
 */

import { doneOrAborted } from '../../base/cancellable';
import { cancelled, EngineError, type ErrorCode, isCancelled, throwIfAborted, toEngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { ChunkEncoder, Engine } from '../../engine/engine';
import type { RepositoryStatus } from '../../protocol/server';
import type { RepositoryContext } from '../folder-index';
import { type ContextChunk, openChunk, settle } from './context-chunk';
import { Rests } from './encoding-pauses';
import { type EncodingFigures, EncodingProgress } from './encoding-progress';

export interface LaneParts {
  /** Most relevant first. */
  readonly contexts: () => readonly RepositoryContext[];
  readonly log: Log;
  /** Progress was made, or the lane started or stopped. */
  readonly onChange: () => void;
  readonly onBattery?: () => Promise<boolean>;
  /** False: nothing is done that nobody asked for. Default: true. */
  readonly background?: boolean;
}

/** Small files share a batch. */
const batchTokens = 1024;
/** While files are still being read, a small batch waits for more. */
const gatherMs = 20;

/** Not of one chunk: trying the next one would fail as well. */
const generalFailures: ReadonlySet<ErrorCode> = new Set(['OUT_OF_MEMORY', 'BACKEND', 'INTERNAL', 'DISK_FULL']);

export class EncodingLane {
  readonly #parts: LaneParts;
  readonly #rests: Rests;
  #engine: Engine | undefined;
  #pausedByUser = false;
  #loop: Promise<void> | undefined;
  #batch: AbortController | undefined;
  readonly #progress = new EncodingProgress();
  #woken = false;
  #urgent = 0;
  #failure: EngineError | undefined;
  #told = '';
  readonly #suspects = new WeakSet<ContextChunk>();
  #closed = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#rests = new Rests(() => this.wake(), parts.onBattery);
  }

  /** While something is being encoded. */
  get progress(): EncodingFigures | undefined {
    const running = this.#parts.contexts().flatMap((context) => context.chunksIn('encoding'));
    return this.#progress.figures([...this.#pending(), ...running]);
  }

  get paused(): RepositoryStatus['paused'] {
    if (this.#pausedByUser) {
      return 'user';
    }
    const waits = this.#rests.onBattery && this.#urgent === 0;
    return waits && this.#pending().length > 0 ? 'battery' : undefined;
  }

  /** Of the store of the engine that is loaded. */
  get diskBytes(): number | undefined {
    return this.#engine?.chunks?.disk.bytes;
  }

  /** Measured over the batches so far. */
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
    this.#rests.mindBattery(pauseOnBattery);
    this.wake();
  }

  pause(): void {
    this.#pausedByUser = true;
    this.#batch?.abort();
    this.#rests.wake();
    this.#parts.onChange();
  }

  resume(): void {
    this.#pausedByUser = false;
    this.#failure = undefined;
    this.wake();
  }

  /** The user types or asks: no new batch for a moment. */
  noteActivity(): void {
    this.#rests.noteActivity();
  }

  /** There may be something to do. */
  wake(): void {
    if (!this.#mayWork()) {
      return;
    }
    this.#woken = true;
    if (this.#loop === undefined) {
      this.#loop = this.#work().finally(() => {
        this.#loop = undefined;
        if (this.#woken) {
          // while the loop was ending
          this.wake();
        }
      });
    }
  }

  /**
   * Encodes all that waits, also on battery and while the user types; settles when it is done. When the signal aborts,
   * the rest is left to the background.
   * @throws EngineError CANCELLED, PAUSED; what the engine could not do
   */
  async finish(signal: AbortSignal): Promise<void> {
    this.#urgent++;
    this.#failure = undefined;
    this.#rests.wake();
    try {
      for (;;) {
        throwIfAborted(signal);
        await this.#planned(signal);
        if (this.#pausedByUser) {
          throw new EngineError('PAUSED', 'FASA Code is paused.');
        }
        if (this.#failure !== undefined) {
          throw this.#failure;
        }
        if (this.#engine?.chunks === undefined || this.#closed) {
          throw cancelled();
        }
        // a batch that is being encoded waits for nothing, and is not done
        if (this.#pending().length > 0) {
          this.wake();
        } else if (this.#loop === undefined) {
          return;
        }
        await doneOrAborted(this.#loop ?? Promise.resolve(), signal);
      }
    } finally {
      this.#urgent--;
    }
  }

  /** Takes from disk what is there, and encodes nothing. @throws EngineError CANCELLED */
  async openAll(signal: AbortSignal): Promise<void> {
    await this.#planned(signal);
    const repository = this.#engine?.chunks;
    for (const context of repository === undefined ? [] : this.#parts.contexts()) {
      for (const chunk of context.pending()) {
        if (chunk.state === 'new' && repository !== undefined) {
          await openChunk(repository, chunk, signal);
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#batch?.abort();
    this.#rests.close();
    await this.#loop;
  }

  async #planned(signal: AbortSignal): Promise<void> {
    for (const context of this.#parts.contexts()) {
      await context.planned(signal);
    }
  }

  #mayWork(): boolean {
    const asked = this.#urgent > 0 || this.#parts.background !== false;
    return (
      asked && this.#engine?.chunks !== undefined && !this.#closed && !this.#pausedByUser && this.#failure === undefined
    );
  }

  #pending(): ContextChunk[] {
    return this.#parts.contexts().flatMap((context) => context.pending());
  }

  /** Until nothing waits or something forbids it. Never rejects. */
  async #work(): Promise<void> {
    // what wakes the lane may still be going on
    await Promise.resolve();
    try {
      for (;;) {
        this.#woken = false;
        if (!this.#mayWork()) {
          break;
        }
        const repository = this.#engine?.chunks;
        const pending = this.#pending();
        if (repository === undefined || pending.length === 0) {
          break;
        }
        const unknown = pending.filter((chunk) => chunk.state === 'new');
        if (unknown.length > 0) {
          await this.#open(repository, unknown);
        } else if (isSmall(pending) && this.#parts.contexts().some((context) => context.isPlanning)) {
          // more files are about to come: together they make a batch
          await this.#rests.sleep(gatherMs);
        } else if (await this.#mayEncode()) {
          await this.#encode();
        } else {
          break;
        }
      }
    } finally {
      this.#progress.end();
      this.#parts.onChange();
    }
  }

  async #open(repository: ChunkEncoder, chunks: readonly ContextChunk[]): Promise<void> {
    await this.#during(async (signal) => {
      for (const chunk of chunks) {
        await openChunk(repository, chunk, signal);
        this.#parts.onChange();
      }
    });
  }

  async #encode(): Promise<void> {
    const repository = this.#engine?.chunks;
    // much may have changed while the user typed
    const waiting = this.#pending().filter((chunk) => chunk.state === 'absent');
    if (repository === undefined || waiting.length === 0 || !this.#mayWork()) {
      return;
    }
    const batch = this.#firstBatch(waiting);
    this.#progress.begin();
    for (const chunk of batch) {
      chunk.state = 'encoding';
    }
    this.#parts.onChange();
    const tokens = batch.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
    const started = performance.now();
    await this.#during(
      async (signal) => {
        const encoded = await repository.encode(
          batch.map((chunk) => chunk.tokens),
          signal,
          (done) => {
            this.#progress.running(done);
            this.#parts.onChange();
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
        // of what was cut short, the engine keeps what was complete: it is looked for again
        for (const chunk of batch) {
          if (chunk.state === 'encoding') {
            const again = failure === undefined || batch.length > 1;
            chunk.state = again ? 'new' : 'failed';
            if (failure !== undefined) {
              // one of them is at fault: each gets a batch of its own
              this.#suspects.add(chunk);
            }
          }
        }
      },
    );
    this.#progress.running(0);
    this.#parts.onChange();
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

  /** Files of the batch of which nothing waits any more. */
  #filesDoneBy(batch: readonly ContextChunk[]): number {
    const waiting = new Set<string>();
    for (const context of this.#parts.contexts()) {
      for (const chunk of context.pending()) {
        waiting.add(chunk.path);
      }
    }
    return new Set(batch.map((chunk) => chunk.path).filter((path) => !waiting.has(path))).size;
  }

  /** Runs something that pausing, another engine and closing end. Never rejects: what fails is logged, once. */
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
        // the engine may be stepping aside for good reasons
        this.noteActivity();
      } else if (failure.code === 'DISPOSED') {
        onEnd(undefined);
        this.#engine = undefined;
      } else {
        const general = generalFailures.has(failure.code);
        onEnd(general ? undefined : failure);
        this.#failure = general ? failure : undefined;
        this.#tell(`Encoding failed: ${failure.code}: ${failure.message} ${failure.remedy}`);
      }
    } finally {
      this.#batch = undefined;
    }
  }

  /** Once for each problem: a batch that fails is tried again in parts. */
  #tell(problem: string): void {
    if (problem !== this.#told) {
      this.#told = problem;
      this.#parts.log.error(problem);
    }
  }

  /** Waits while the user types. @returns false: battery forbids it for now */
  async #mayEncode(): Promise<boolean> {
    if (this.#urgent === 0) {
      await this.#rests.untilStill();
    }
    return this.#urgent > 0 || !(await this.#rests.batteryForbids());
  }
}

function isSmall(pending: readonly ContextChunk[]): boolean {
  return pending.reduce((sum, chunk) => sum + chunk.tokens.length, 0) < batchTokens;
}
