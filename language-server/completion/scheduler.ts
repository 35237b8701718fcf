/**
 * Who may still want an answer: a newer inline request for a document supersedes the older one, which has let go of the
 * engine before the newer begins. The order of what runs (inline, chat, what is done ahead) is the engine's: its queue
 * has priorities.
 */

import { EngineError, throwIfAborted } from '../base/errors';

interface Running {
  readonly controller: AbortController;
  /** Never rejects. */
  readonly ended: Promise<void>;
}

export class Scheduler {
  readonly #newest = new Map<string, Running>();

  /**
   * @param work gets a signal that aborts with the caller's, or when a newer request for the document comes
   * @throws EngineError SUPERSEDED; what `work` throws
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
