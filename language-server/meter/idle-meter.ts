/**
 * The honest meter: in idle time, a few FASA and dense steps over the tokens in the cache measure how fast FASA is here and
 * now, and how close it is to dense attention. Until then there are no figures.
 */

import { isCancelled, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { Engine, EngineMeasurement, SequenceName } from '../engine/engine';
import type { ModelHost } from '../engine/model-host';
import type { FidelityStatus, SpeedStatus, Status } from '../protocol/server';

/** Measuring again sooner would give the same figures. */
const minIntervalMs = 60_000;

interface IdleMeterParts {
  readonly host: ModelHost;
  readonly log: Log;
  /** Is called when there are new figures. */
  readonly onChange: () => void;
  /** Milliseconds without a request after which the machine counts as idle. */
  readonly idleMs: number;
}

export class IdleMeter {
  readonly #parts: IdleMeterParts;
  #engine: Engine | undefined;
  #speed: SpeedStatus | undefined;
  #kl: number[] = [];
  #agreeing = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #requests = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: AbortController | undefined;
  #closed = false;

  constructor(parts: IdleMeterParts) {
    this.#parts = parts;
  }

  /** The figures that were measured with the loaded engine. */
  get figures(): Pick<Status, 'speed' | 'fidelity'> {
    if (this.#speed === undefined || this.#engine !== this.#parts.host.engine) {
      return {};
    }
    const samples = this.#kl.length;
    const fidelity: FidelityStatus = {
      meanKl: this.#kl.reduce((sum, kl) => sum + kl, 0) / samples,
      agreement: this.#agreeing / samples,
      samples,
    };
    return { speed: this.#speed, fidelity };
  }

  /** Ends measuring at once. */
  requestStarted(): void {
    this.stop();
    this.#requests++;
  }

  /** Counts idle time from now on, if no other request runs. */
  requestEnded(): void {
    this.#requests--;
    this.#wait();
  }

  /** Ends a measurement that runs in idle time. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running?.abort();
  }

  close(): void {
    this.#closed = true;
    this.stop();
  }

  /**
   * Measures at once, at any number of cached tokens that attention has to choose from.
   * @throws EngineError of ModelHost.ready; TOO_FEW_TOKENS; BAD_CALIBRATION; CANCELLED, also by another request
   */
  async measureNow(signal: AbortSignal): Promise<void> {
    const engine = await this.#parts.host.ready(signal);
    this.#take(engine, await engine.measure(largestSequence(engine), signal));
  }

  #wait(): void {
    if (this.#requests > 0 || this.#closed) {
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#measureIdle();
    }, this.#parts.idleMs);
    this.#timer.unref();
  }

  async #measureIdle(): Promise<void> {
    const { host, log } = this.#parts;
    const { engine } = host;
    if (engine === undefined || host.state !== 'ready' || this.#running !== undefined) {
      return;
    }
    const fresh = engine === this.#engine && performance.now() - this.#measuredAt < minIntervalMs;
    const sequence = largestSequence(engine);
    const { fasaFromTokens } = engine;
    if (
      fresh ||
      fasaFromTokens === undefined ||
      engine.usage(sequence).tokens + (engine.chunks?.inUse.tokens ?? 0) < fasaFromTokens
    ) {
      return;
    }
    const running = new AbortController();
    this.#running = running;
    try {
      this.#take(engine, await engine.measure(sequence, running.signal));
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure) && failure.code !== 'TOO_FEW_TOKENS') {
        log.warn(`The meter could not measure: ${failure.code}: ${failure.message}`);
      }
    } finally {
      this.#running = undefined;
    }
  }

  #take(engine: Engine, { atTokens, fasaMsPerToken, denseMsPerToken, kl, agreeing }: EngineMeasurement): void {
    if (engine !== this.#engine) {
      this.#engine = engine;
      this.#kl = [];
      this.#agreeing = 0;
    }
    this.#measuredAt = performance.now();
    this.#kl.push(...kl);
    this.#agreeing += agreeing;
    this.#speed = {
      fasaMsPerToken,
      denseMsPerToken,
      speedup: denseMsPerToken / fasaMsPerToken,
      atTokens,
      measuredAt: new Date().toISOString(),
    };
    this.#parts.onChange();
  }
}

function largestSequence(engine: Engine): SequenceName {
  return engine.usage('chat').tokens > engine.usage('inline').tokens ? 'chat' : 'inline';
}
