/**
 * Encodes what the repositories want, in the background: first what is on disk already, then batch after batch, the most
 * relevant first. It steps aside: the engine lets every request pass between two micro-batches, and between two batches
 * the lane waits while the user types. Nothing ever waits for it, except a person who asked for it.
 */

import type { Engine, RepositoryEngine } from '../engine/engine';
import { cancelled, EngineError, type ErrorCode, isCancelled, throwIfAborted, toEngineError } from '../engine/errors';
import type { Log } from '../log';
import type { RepositoryStatus } from '../protocol';
import { onBattery } from './battery';
import { type ContextChunk, settle } from './context-chunk';
import type { RepositoryContext } from './repository-context';

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

export type EncodingProgress = NonNullable<RepositoryStatus['encoding']>;

/** Small files share a batch. */
const batchTokens = 1024;
/** After a keystroke or a request the machine is the user's for so long. */
const restMs = 400;
const batteryCheckMs = 30_000;
/** Of each new reading in the speed that is shown. */
const speedShare = 0.3;

/** Not of one chunk: trying the next one would fail as well. */
const generalFailures: ReadonlySet<ErrorCode> = new Set(['OUT_OF_MEMORY', 'BACKEND', 'INTERNAL', 'DISK_FULL']);

interface Session {
  filesDone: number;
  tokensDone: number;
  /** Of the batch that runs. */
  tokensRunning: number;
}

export class EncodingLane {
  readonly #parts: LaneParts;
  #engine: Engine | undefined;
  #pausedByUser = false;
  #pauseOnBattery = true;
  #batteryAt = Number.NEGATIVE_INFINITY;
  #isOnBattery = false;
  #activeAt = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> | undefined;
  #batch: AbortController | undefined;
  #session: Session | undefined;
  #tokensPerSecond: number | undefined;
  #woken = false;
  #urgent = 0;
  #retry: NodeJS.Timeout | undefined;
  #waking: (() => void) | undefined;
  #failure: EngineError | undefined;
  #closed = false;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** While something is being encoded. */
  get progress(): EncodingProgress | undefined {
    const session = this.#session;
    if (session === undefined) {
      return undefined;
    }
    const pending = this.#parts.contexts().flatMap((context) => context.pending());
    const running = this.#parts.contexts().flatMap((context) => encodingChunks(context));
    const waiting = [...pending, ...running];
    const tokensLeft = waiting.reduce((sum, chunk) => sum + chunk.tokens.length, 0) - session.tokensRunning;
    const files = new Set(waiting.map((chunk) => chunk.path)).size;
    return {
      filesDone: session.filesDone,
      files: session.filesDone + files,
      tokensDone: session.tokensDone + session.tokensRunning,
      tokens: session.tokensDone + session.tokensRunning + tokensLeft,
      ...(this.#tokensPerSecond === undefined ? {} : { secondsLeft: Math.ceil(tokensLeft / this.#tokensPerSecond) }),
    };
  }

  get paused(): RepositoryStatus['paused'] {
    if (this.#pausedByUser) {
      return 'user';
    }
    const waits = this.#isOnBattery && this.#pauseOnBattery && this.#urgent === 0;
    return waits && this.#parts.contexts().some((context) => context.pending().length > 0) ? 'battery' : undefined;
  }

  /** Of the store of the engine that is loaded. */
  get diskBytes(): number | undefined {
    return this.#engine?.repository?.disk.bytes;
  }

  /** Measured over the batches so far. */
  get tokensPerSecond(): number | undefined {
    return this.#tokensPerSecond;
  }

  use(engine: Engine | undefined): void {
    if (engine === this.#engine) {
      return;
    }
    this.#engine = engine;
    this.#tokensPerSecond = undefined;
    this.#failure = undefined;
    this.#batch?.abort();
    this.wake();
  }

  configure(pauseOnBattery: boolean): void {
    this.#pauseOnBattery = pauseOnBattery;
    this.wake();
  }

  pause(): void {
    this.#pausedByUser = true;
    this.#batch?.abort();
    this.#waking?.();
    this.#parts.onChange();
  }

  resume(): void {
    this.#pausedByUser = false;
    this.#failure = undefined;
    this.wake();
  }

  /** The user types or asks: no new batch for a moment. */
  noteActivity(): void {
    this.#activeAt = performance.now();
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
    this.#waking?.();
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
        if (this.#engine?.repository === undefined || this.#closed) {
          throw cancelled();
        }
        if (!this.#hasWork()) {
          return;
        }
        this.wake();
        await Promise.race([this.#loop, aborted(signal)]);
      }
    } finally {
      this.#urgent--;
    }
  }

  /** Takes from disk what is there, and encodes nothing. @throws EngineError CANCELLED */
  async openAll(signal: AbortSignal): Promise<void> {
    await this.#planned(signal);
    const repository = this.#engine?.repository;
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
    clearTimeout(this.#retry);
    this.#batch?.abort();
    this.#waking?.();
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
      asked &&
      this.#engine?.repository !== undefined &&
      !this.#closed &&
      !this.#pausedByUser &&
      this.#failure === undefined
    );
  }

  #hasWork(): boolean {
    return this.#parts.contexts().some((context) => context.pending().length > 0);
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
        const repository = this.#engine?.repository;
        const pending = this.#parts.contexts().flatMap((context) => context.pending());
        if (repository === undefined || pending.length === 0) {
          break;
        }
        const unknown = pending.filter((chunk) => chunk.state === 'new');
        if (unknown.length > 0) {
          await this.#open(repository, unknown);
        } else if (await this.#mayEncode()) {
          await this.#encode(repository, pending);
        } else {
          break;
        }
      }
    } finally {
      this.#session = undefined;
      this.#parts.onChange();
    }
  }

  async #open(repository: RepositoryEngine, chunks: readonly ContextChunk[]): Promise<void> {
    await this.#during(async (signal) => {
      for (const chunk of chunks) {
        await openChunk(repository, chunk, signal);
        this.#parts.onChange();
      }
    });
  }

  async #encode(repository: RepositoryEngine, pending: readonly ContextChunk[]): Promise<void> {
    const batch = firstBatch(pending);
    this.#session ??= { filesDone: 0, tokensDone: 0, tokensRunning: 0 };
    const session = this.#session;
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
            session.tokensRunning = done;
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
        const speed = tokens / Math.max(1e-3, (performance.now() - started) / 1000);
        this.#tokensPerSecond = (this.#tokensPerSecond ?? speed) * (1 - speedShare) + speed * speedShare;
        session.tokensDone += tokens;
        session.filesDone += this.#filesDoneBy(batch);
      },
      (failure) => {
        // of what was cut short, the engine keeps what was complete: it is looked for again
        for (const chunk of batch) {
          if (chunk.state === 'encoding') {
            chunk.state = failure === undefined ? 'new' : 'failed';
          }
        }
      },
    );
    session.tokensRunning = 0;
    this.#parts.onChange();
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
        this.#parts.log.error(`Encoding failed: ${failure.code}: ${failure.message} ${failure.remedy}`);
      }
    } finally {
      this.#batch = undefined;
    }
  }

  /** Waits while the user types. @returns false: not now; the lane wakes by itself when that may have changed */
  async #mayEncode(): Promise<boolean> {
    while (this.#urgent === 0 && !this.#closed && !this.#pausedByUser) {
      const wait = this.#activeAt + restMs - performance.now();
      if (wait <= 0) {
        break;
      }
      await this.#sleep(wait);
    }
    if (this.#urgent > 0 || !this.#pauseOnBattery) {
      return true;
    }
    if (performance.now() - this.#batteryAt > batteryCheckMs) {
      this.#batteryAt = performance.now();
      this.#isOnBattery = await (this.#parts.onBattery ?? onBattery)();
    }
    if (this.#isOnBattery) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.wake(), batteryCheckMs);
      this.#retry.unref();
    }
    return !this.#isOnBattery;
  }

  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#waking = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#waking = undefined;
  }
}

async function openChunk(repository: RepositoryEngine, chunk: ContextChunk, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  if (chunk.state !== 'new') {
    return;
  }
  const opened = await repository.open(chunk.address, signal);
  if (opened !== undefined) {
    settle(chunk, opened);
  } else if (isNew(chunk)) {
    chunk.state = 'absent';
  }
}

/** While it was looked for, it may have been dropped. */
function isNew(chunk: ContextChunk): boolean {
  return chunk.state === 'new';
}

function firstBatch(pending: readonly ContextChunk[]): ContextChunk[] {
  const batch: ContextChunk[] = [];
  let tokens = 0;
  for (const chunk of pending) {
    if (batch.length > 0 && tokens + chunk.tokens.length > batchTokens) {
      break;
    }
    batch.push(chunk);
    tokens += chunk.tokens.length;
  }
  return batch;
}

function encodingChunks(context: RepositoryContext): ContextChunk[] {
  const all = [...context.files.values()].flatMap(({ chunks }) => chunks);
  return all.filter((chunk) => chunk.state === 'encoding');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
