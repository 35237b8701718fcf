/** The status record, and the notifications of it: at most four a second while something changes, none at rest. */

import type { Engine, Generation } from '../engine/engine';
import type { ModelHost } from '../engine/model-host';
import type { IdleMeter } from '../meter/idle-meter';
import type { CacheStatus, RepositoryStatus, RequestStatus, SlowStatus, Status } from '../protocol/server';

const minMsBetween = 250;

export class StatusReporter {
  readonly #host: ModelHost;
  readonly #send: (status: Status) => void;
  readonly #repository: () => RepositoryStatus | undefined;
  readonly #meter: IdleMeter;
  readonly #calibrating: () => number | undefined;
  #lastRequest: RequestStatus | undefined;
  #slow: SlowStatus | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(
    host: ModelHost,
    meter: IdleMeter,
    repository: () => RepositoryStatus | undefined,
    calibrating: () => number | undefined,
    send: (status: Status) => void,
  ) {
    this.#host = host;
    this.#meter = meter;
    this.#repository = repository;
    this.#calibrating = calibrating;
    this.#send = send;
  }

  /** Something that the record shows is not what it was: it is sent soon. */
  changed(): void {
    if (this.#timer !== undefined || this.#closed) {
      return;
    }
    const wait = Math.max(0, this.#sentAt + minMsBetween - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sentAt = performance.now();
      this.#send(this.record());
    }, wait);
  }

  noteRequest(request: RequestStatus): void {
    this.#lastRequest = request;
    this.changed();
  }

  /** Whether completions come in time. */
  noteSlow(slow: SlowStatus | undefined): void {
    if (slow?.message !== this.#slow?.message) {
      this.#slow = slow;
      this.changed();
    }
  }

  record(): Status {
    const { engine, state, progress, problem } = this.#host;
    const repository = this.#repository();
    return {
      state: state === 'ready' && repository?.encoding !== undefined ? 'encoding' : state,
      ...(progress === undefined ? {} : { progress }),
      ...(problem === undefined ? {} : { problem }),
      ...(engine === undefined ? {} : engineStatus(engine, this.#calibrating())),
      ...(repository === undefined ? {} : { repository }),
      ...this.#meter.figures,
      ...(this.#lastRequest === undefined ? {} : { lastRequest: this.#lastRequest }),
      ...(this.#slow === undefined || engine === undefined ? {} : { slow: this.#slow }),
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function engineStatus(
  engine: Engine,
  calibrating: number | undefined,
): Pick<Status, 'model' | 'device' | 'cache' | 'attention'> {
  const { model, device } = engine;
  const { fimPrefix, fimSuffix, fimMiddle } = model.tokens;
  return {
    model: {
      name: model.name,
      architecture: model.architecture,
      parameters: model.parameters,
      quantization: model.quantization,
      trainedContext: model.trainedContext,
      bytes: model.bytes,
      fillInTheMiddle: fimPrefix !== undefined && fimSuffix !== undefined && fimMiddle !== undefined,
    },
    device: {
      kind: device.kind,
      name: device.name,
      threads: device.threads,
      memoryUsed: process.memoryUsage().rss,
      memoryFree: device.memoryFree,
    },
    cache: cacheStatus(engine),
    attention: { ...engine.attention, ...(calibrating === undefined ? {} : { calibrating }) },
  };
}

/** Over all sequences: that is what the memory holds. */
function cacheStatus(engine: Engine): CacheStatus {
  const usages = [engine.usage('inline'), engine.usage('chat')];
  const sum = (pick: (usage: (typeof usages)[number]) => number) => usages.reduce((all, usage) => all + pick(usage), 0);
  const chunks = engine.chunks?.held ?? { tokens: 0, fullBytes: 0, fastBytes: 0, slowBytes: 0 };
  const fullBytes = sum((usage) => usage.fullBytes) + chunks.fullBytes;
  const fastBytes = sum((usage) => usage.fastBytes) + chunks.fastBytes;
  return {
    tokens: sum((usage) => usage.tokens) + chunks.tokens,
    contextTokens: engine.contextTokens,
    fullBytes,
    fastBytes,
    slowBytes: sum((usage) => usage.slowBytes) + chunks.slowBytes,
    ...(fullBytes > 0 ? { saved: 1 - fastBytes / fullBytes } : {}),
  };
}

/** What of a generation's statistics a person sees. */
export function requestStatus(kind: RequestStatus['kind'], { stats }: Generation): RequestStatus {
  // the first token comes out of the prefill, so decodeMs is the time of the others
  const steps = stats.decodedTokens - 1;
  return {
    kind,
    firstTokenMs: stats.firstTokenMs,
    tokens: stats.decodedTokens,
    tokensPerSecond: steps > 0 && stats.decodeMs > 0 ? (1000 * steps) / stats.decodeMs : 0,
    reusedTokens: stats.reusedTokens,
    fedTokens: stats.fedTokens,
    bytesReadPerToken: stats.bytesReadPerToken,
    at: new Date().toISOString(),
    queueMs: stats.queueMs,
    feedMs: stats.prefillMs,
    decodeMs: stats.decodeMs,
  };
}
