/** How fast a download is and how long it still takes, over the last seconds: what was long ago says little. */
import type { DownloadProgress } from '../../protocol/models';

const windowMs = 8000;
const minMs = 500;

export class SpeedMeter {
  readonly #now: () => number;
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** @param now milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @param doneBytes all of them, those of earlier attempts as well */
  progress(doneBytes: number, totalBytes: number | undefined): DownloadProgress {
    const at = this.#now();
    // what was there already, and what starts anew, is no speed
    const last = this.#samples.at(-1);
    if (last !== undefined && doneBytes < last.bytes) {
      this.#samples = [];
    }
    this.#samples.push({ at, bytes: doneBytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - windowMs) {
      this.#samples.shift();
    }
    const first = this.#samples[0];
    const ms = first === undefined ? 0 : at - first.at;
    const bytesPerSecond = first === undefined || ms < minMs ? undefined : ((doneBytes - first.bytes) / ms) * 1000;
    const isMoving = bytesPerSecond !== undefined && bytesPerSecond > 0 && totalBytes !== undefined;
    return {
      doneBytes,
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      ...(isMoving ? { secondsLeft: Math.max(0, (totalBytes - doneBytes) / bytesPerSecond) } : {}),
    };
  }
}
