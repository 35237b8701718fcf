/** Figures of the status since the window opened: bytes, measured speeds, requests. Bounded, and kept in memory only. */

import type { BytesSample, RequestView, SpeedSample } from '../../language-server/protocol/dashboard-page';
import type { Status } from '../../language-server/protocol/server';

const maxBytes = 1000;
const maxSpeeds = 200;
const maxRequests = 50;
const minBytesIntervalMs = 1000;

export class StatusHistory {
  #bytes: BytesSample[] = [];
  readonly #speeds: SpeedSample[] = [];
  readonly #requests: RequestView[] = [];
  #lastSpeed = '';
  #lastRequest = '';

  get bytes(): readonly BytesSample[] {
    return this.#bytes;
  }

  get speeds(): readonly SpeedSample[] {
    return this.#speeds;
  }

  get requests(): readonly RequestView[] {
    return this.#requests;
  }

  /** @param at milliseconds since 1970 */
  add({ cache, speed, lastRequest }: Status, at: number): void {
    if (cache !== undefined) {
      this.#addBytes({
        at,
        tokens: cache.tokens,
        fullBytes: cache.fullBytes,
        fastBytes: cache.fastBytes,
        slowBytes: cache.slowBytes,
      });
    }
    if (speed !== undefined && speed.measuredAt !== this.#lastSpeed) {
      this.#lastSpeed = speed.measuredAt;
      push(
        this.#speeds,
        { at, atTokens: speed.atTokens, denseMs: speed.denseMsPerToken, fasaMs: speed.fasaMsPerToken },
        maxSpeeds,
      );
    }
    // two requests with the same figures differ by their time
    const key = JSON.stringify(lastRequest);
    if (lastRequest !== undefined && key !== this.#lastRequest) {
      this.#lastRequest = key;
      const { at: ended, ...figures } = lastRequest;
      push(this.#requests, { ...figures, at: ended === undefined ? at : Date.parse(ended) }, maxRequests);
    }
  }

  /** Keeps only the ends of a stretch without changes, and drops every other sample when there are too many. */
  #addBytes(sample: BytesSample): void {
    const [before, last] = this.#bytes.slice(-2);
    if (last !== undefined && sample.at - last.at < minBytesIntervalMs) {
      this.#bytes[this.#bytes.length - 1] = { ...sample, at: last.at };
      return;
    }
    if (last !== undefined && before !== undefined && same(last, sample) && same(before, last)) {
      this.#bytes[this.#bytes.length - 1] = sample;
      return;
    }
    this.#bytes.push(sample);
    if (this.#bytes.length > maxBytes) {
      this.#bytes = this.#bytes.filter((_, index) => index % 2 === 0 || index === this.#bytes.length - 1);
    }
  }
}

function same(left: BytesSample, right: BytesSample): boolean {
  return left.fullBytes === right.fullBytes && left.fastBytes === right.fastBytes && left.slowBytes === right.slowBytes;
}

function push<T>(list: T[], item: T, max: number): void {
  list.push(item);
  if (list.length > max) {
    list.shift();
  }
}
