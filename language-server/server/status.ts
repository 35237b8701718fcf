/** Keeps the status record and sends it: at most four times a second while something changes, never at rest. */

import type { Engine, Generation } from '../engine/engine';
import type { ModelHost } from '../engine/model-host';
import type { StatusPart, StatusReports } from '../lsp/feature';
import type { CacheStatus, RequestStatus, SlowStatus, Status } from '../protocol/server';

const minIntervalMs = 250;

export class StatusReporter implements StatusReports {
  readonly #host: ModelHost;
  readonly #parts: () => readonly StatusPart[];
  readonly #send: (status: Status) => void;
  #lastRequest: RequestStatus | undefined;
  #slow: SlowStatus | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @param parts of the features, as they are now */
  constructor(host: ModelHost, parts: () => readonly StatusPart[], send: (status: Status) => void) {
    this.#host = host;
    this.#parts = parts;
    this.#send = send;
  }

  changed(): void {
    if (this.#timer !== undefined || this.#closed) {
      return;
    }
    const wait = Math.max(0, this.#sentAt + minIntervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sentAt = performance.now();
      this.#send(this.record());
    }, wait);
  }

  noteRequest(kind: RequestStatus['kind'], generation: Generation): RequestStatus {
    const request = requestStatus(kind, generation);
    this.#lastRequest = request;
    this.changed();
    return request;
  }

  noteSlow(slow: SlowStatus | undefined): void {
    if (slow?.message !== this.#slow?.message) {
      this.#slow = slow;
      this.changed();
    }
  }

  record(): Status {
    const { engine, state, progress, problem } = this.#host;
    const { calibrating, ...figures }: StatusPart = Object.assign({}, ...this.#parts());
    return {
      state: state === 'ready' && figures.repository?.encoding !== undefined ? 'encoding' : state,
      ...(progress === undefined ? {} : { progress }),
      ...(problem === undefined ? {} : { problem }),
      ...(engine === undefined ? {} : engineStatus(engine, calibrating)),
      ...figures,
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

/** The sum over all sequences: that is what the memory holds. */
function cacheStatus(engine: Engine): CacheStatus {
  const usages = [engine.usage('inline'), engine.usage('chat')];
  const sum = (pick: (usage: (typeof usages)[number]) => number) => usages.reduce((all, usage) => all + pick(usage), 0);
  const chunks = engine.chunks?.inUse ?? { tokens: 0, fullBytes: 0, fastBytes: 0, slowBytes: 0 };
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

/** The statistics of a generation, as a person is shown them. */
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
