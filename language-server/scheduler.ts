/**
 * Who may still want an answer: a newer inline request for a document supersedes the older one. The order of what
 * runs (inline before chat) is the engine's: its queue has priorities.
 */

import { EngineError } from './engine/errors';

export class Scheduler {
  readonly #newest = new Map<string, AbortController>();

  /**
   * @param work gets a signal that aborts with the caller's, or when a newer request for the document comes
   * @throws EngineError SUPERSEDED; what `work` throws
   */
  async inline<T>(uri: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#newest.get(uri)?.abort();
    const own = new AbortController();
    this.#newest.set(uri, own);
    try {
      return await work(AbortSignal.any([signal, own.signal]));
    } catch (error) {
      if (own.signal.aborted && !signal.aborted) {
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
