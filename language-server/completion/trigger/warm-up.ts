/**
 * The first completion of a session would wait for the prefill of its whole prompt. So the prompt for the place where the
 * user is gets prefilled ahead of time, until the first request comes, which reuses what is cached by then.
 */

import { isCancelled, toEngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { Engine } from '../../engine/engine';
import type { DocumentPosition } from '../../lsp/check-params';

interface WarmUpParts {
  /** Waits until the model is ready. @throws EngineError */
  readonly ready: (signal: AbortSignal) => Promise<Engine>;
  /** Prefills the prompt of a completion at the place. @throws EngineError */
  readonly prefill: (engine: Engine, at: DocumentPosition, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export class WarmUp {
  readonly #parts: WarmUpParts;
  #running: AbortController | undefined;
  #ended = false;

  constructor(parts: WarmUpParts) {
    this.#parts = parts;
  }

  /** The user is at another place: the warm-up goes on there. */
  async focused(at: DocumentPosition): Promise<void> {
    if (this.#ended) {
      return;
    }
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    try {
      const engine = await this.#parts.ready(running.signal);
      await this.#parts.prefill(engine, at, running.signal);
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#parts.log.info(`Nothing was read ahead: ${failure.code}: ${failure.message}`);
      }
    }
  }

  /** A request came, or the server ends: from now on, the KV cache belongs to the requests. */
  end(): void {
    this.#ended = true;
    this.#running?.abort();
  }
}
