/**
 * The first completion of a session would wait for the whole prompt to be fed. So when a document is opened and nothing is
 * cached yet, its files and its beginning are fed ahead of time. Any request ends this at once; what was fed is reused.
 */

import type { Engine } from '../engine/engine';
import { isCancelled, toEngineError } from '../engine/errors';
import type { Log } from '../log';

export interface WarmUpParts {
  /** Waits for the model. @throws EngineError */
  readonly ready: (signal: AbortSignal) => Promise<Engine>;
  /** Feeds what a completion in the document would need first. @throws EngineError */
  readonly feed: (engine: Engine, uri: string, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export class WarmUp {
  readonly #parts: WarmUpParts;
  #running: AbortController | undefined;

  constructor(parts: WarmUpParts) {
    this.#parts = parts;
  }

  /** The newest document counts: editors open several when a window is restored, the visible one last or alone. */
  async opened(uri: string): Promise<void> {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    try {
      const engine = await this.#parts.ready(running.signal);
      if (engine.usage('inline').tokens === 0) {
        await this.#parts.feed(engine, uri, running.signal);
      }
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#parts.log.info(`Nothing was read ahead: ${failure.code}: ${failure.message}`);
      }
    } finally {
      if (this.#running === running) {
        this.#running = undefined;
      }
    }
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }
}
