/**
 * The first completion of a session would wait for its whole prompt to be fed. So what it needs where the user is gets fed
 * ahead of time, once, before anything is asked. The first request ends this for good; what was fed is reused.
 */

import { isCancelled, toEngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { Engine } from '../../engine/engine';
import type { DocumentPosition } from '../../server/params';

interface WarmUpParts {
  /** Waits for the model. @throws EngineError */
  readonly ready: (signal: AbortSignal) => Promise<Engine>;
  /** Feeds the prompt of a completion at the place. @throws EngineError */
  readonly feed: (engine: Engine, at: DocumentPosition, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export class WarmUp {
  readonly #parts: WarmUpParts;
  #running: AbortController | undefined;
  #ended = false;

  constructor(parts: WarmUpParts) {
    this.#parts = parts;
  }

  /** The newest place counts. */
  async focused(at: DocumentPosition): Promise<void> {
    if (this.#ended) {
      return;
    }
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    try {
      const engine = await this.#parts.ready(running.signal);
      await this.#parts.feed(engine, at, running.signal);
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#parts.log.info(`Nothing was read ahead: ${failure.code}: ${failure.message}`);
      }
    }
  }

  /** A request came, or the server ends: from now on the cache is what requests make of it. */
  end(): void {
    this.#ended = true;
    this.#running?.abort();
  }
}
