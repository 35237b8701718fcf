/**
 * Tasks of the engine's thread that make way for more urgent ones. The thread takes the most urgent task of its queue, but
 * interrupts none. So a task that is preempted is cancelled, and queued again: it then runs after the task that it made
 * way for. The addon, or the caller, keeps what was computed until then.
 */

import type { CancellableTask } from '../base/cancellable';
import { type EngineError, throwIfAborted, toEngineError } from '../base/errors';

interface PreemptibleTaskOptions<Task> {
  readonly signal?: AbortSignal | undefined;
  /** Queues the task, each time with what is left to do. */
  readonly start: () => Task;
  /** Settles when the task may be queued. Absent: {@link PreemptibleTask.run} queues the task before it returns. */
  readonly beforeStart?: () => Promise<void>;
  /** Whether a preempted task is still wanted. Default: it is. */
  readonly mayRestart?: () => boolean;
  /** Removes the cause of a failure. @returns true: the task is queued again */
  readonly recover?: (failure: EngineError) => boolean;
}

export class PreemptibleTask<T, Task extends CancellableTask<T> = CancellableTask<T>> {
  readonly #options: PreemptibleTaskOptions<Task>;
  #current: Task | undefined;
  #isPreempted = false;

  constructor(options: PreemptibleTaskOptions<Task>) {
    this.#options = options;
  }

  /** The task that is queued or running now. */
  get current(): Task | undefined {
    return this.#current;
  }

  /** Makes way for tasks of a higher priority. To be called when those are in the queue. */
  preempt(): void {
    if (this.#current !== undefined) {
      this.#isPreempted = true;
      this.#current.cancel();
    }
  }

  /** @throws EngineError CANCELLED when the signal aborts; what the task fails with */
  async run(): Promise<T> {
    const { signal, start, beforeStart, mayRestart, recover } = this.#options;
    const cancel = () => this.#current?.cancel();
    signal?.addEventListener('abort', cancel);
    try {
      for (;;) {
        if (beforeStart !== undefined) {
          await beforeStart();
        }
        throwIfAborted(signal);
        this.#isPreempted = false;
        this.#current = start();
        try {
          return await this.#current.promise;
        } catch (error) {
          const failure = toEngineError(error);
          const again = failure.code === 'CANCELLED' ? this.#isPreempted : recover?.(failure) === true;
          if (!again || signal?.aborted === true || mayRestart?.() === false) {
            throw failure;
          }
        }
      }
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#current = undefined;
    }
  }
}
