/** When the encoding lane pauses though chunks are pending: while the user types or asks, and on battery. */

import { onBattery } from './battery';

/** After a keystroke or a request the machine is left to the user for so long. */
const idleMs = 400;
const batteryCheckMs = 30_000;

export class EncodingPauses {
  readonly #readBattery: () => Promise<boolean>;
  readonly #onRetry: () => void;
  #pausesOnBattery = true;
  #isOnBattery = false;
  #batteryReadAt = Number.NEGATIVE_INFINITY;
  #activeAt = Number.NEGATIVE_INFINITY;
  #retry: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;

  /** @param onRetry is called when the machine may be off battery by now */
  constructor(onRetry: () => void, readBattery: () => Promise<boolean> = onBattery) {
    this.#onRetry = onRetry;
    this.#readBattery = readBattery;
  }

  /** Whether the last reading said battery, and encoding pauses on battery. */
  get onBattery(): boolean {
    return this.#isOnBattery && this.#pausesOnBattery;
  }

  setPauseOnBattery(pauses: boolean): void {
    this.#pausesOnBattery = pauses;
  }

  noteActivity(): void {
    this.#activeAt = performance.now();
  }

  /** Settles when the user has been idle for a moment, or at {@link wake}. */
  async untilIdle(): Promise<void> {
    let woken = false;
    for (;;) {
      const wait = this.#activeAt + idleMs - performance.now();
      if (wait <= 0 || woken) {
        return;
      }
      woken = await this.sleep(wait);
    }
  }

  /** Whether encoding has to wait because the machine is on battery; then a retry comes later. */
  async batteryForbids(): Promise<boolean> {
    if (!this.#pausesOnBattery) {
      return false;
    }
    if (performance.now() - this.#batteryReadAt > batteryCheckMs) {
      this.#batteryReadAt = performance.now();
      this.#isOnBattery = await this.#readBattery();
    }
    if (this.#isOnBattery) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(this.#onRetry, batteryCheckMs);
      this.#retry.unref();
    }
    return this.#isOnBattery;
  }

  /** @returns whether {@link wake} ended the sleep */
  async sleep(milliseconds: number): Promise<boolean> {
    const woken = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#wake = undefined;
    return woken;
  }

  wake(): void {
    this.#wake?.();
  }

  close(): void {
    clearTimeout(this.#retry);
    this.wake();
  }
}
