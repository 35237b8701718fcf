/**
 * Serializes the inline requests of a document: a newer request cancels the older one, and begins when that has let go of
 * the engine. Which kind of request runs first (inline, chat, work ahead of time) is decided by the engine, whose queue has
 * priorities.
 */

import { EngineError, throwIfAborted } from '../base/errors';

interface Running {
  readonly controller: AbortController;
  /** Resolves when the request has ended, in whatever way; it never rejects. */
  readonly ended: Promise<void>;
}

export class Scheduler {
  readonly #newest = new Map<string, Running>();

  /**
   * @param work gets a signal that aborts with the caller's, and when a newer request for the document comes
   * @throws EngineError SUPERSEDED when a newer request came; whatever `work` throws
   */
  async inline<T>(uri: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const older = this.#newest.get(uri);
    older?.controller.abort();
    const controller = new AbortController();
    const all = AbortSignal.any([signal, controller.signal]);
    const run = (async () => {
      await older?.ended;
      throwIfAborted(all);
      return work(all);
    })();
    const own: Running = {
      controller,
      ended: run.then(
        () => undefined,
        () => undefined,
      ),
    };
    this.#newest.set(uri, own);
    try {
      return await run;
    } catch (error) {
      if (controller.signal.aborted && !signal.aborted) {
        throw new EngineError('SUPERSEDED', 'A newer request for the same document came.', { cause: error });
      }
      throw error;
    } finally {
      if (this.#newest.get(uri) === own) {
        this.#newest.delete(uri);
      }
    }
  }
}
