/** When the encoding lane stands still though there is work: while the user types or asks, and on battery. */

import { onBattery } from './battery';

/** After a keystroke or a request the machine is the user's for so long. */
const restMs = 400;
const batteryCheckMs = 30_000;

export class Rests {
  readonly #readBattery: () => Promise<boolean>;
  readonly #onChance: () => void;
  #minds = true;
  #isOnBattery = false;
  #batteryReadAt = Number.NEGATIVE_INFINITY;
  #activeAt = Number.NEGATIVE_INFINITY;
  #again: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;

  /** @param onChance the machine may be off battery by now */
  constructor(onChance: () => void, readBattery: () => Promise<boolean> = onBattery) {
    this.#onChance = onChance;
    this.#readBattery = readBattery;
  }

  /** As it was read last, if it counts. */
  get onBattery(): boolean {
    return this.#isOnBattery && this.#minds;
  }

  /** Whether battery counts. */
  mindBattery(minds: boolean): void {
    this.#minds = minds;
  }

  noteActivity(): void {
    this.#activeAt = performance.now();
  }

  /** Until the user has been still for a moment, or {@link wake}. */
  async untilStill(): Promise<void> {
    let woken = false;
    for (;;) {
      const wait = this.#activeAt + restMs - performance.now();
      if (wait <= 0 || woken) {
        return;
      }
      woken = await this.sleep(wait);
    }
  }

  /** Whether battery forbids to go on; then there is a chance again later. */
  async batteryForbids(): Promise<boolean> {
    if (!this.#minds) {
      return false;
    }
    if (performance.now() - this.#batteryReadAt > batteryCheckMs) {
      this.#batteryReadAt = performance.now();
      this.#isOnBattery = await this.#readBattery();
    }
    if (this.#isOnBattery) {
      clearTimeout(this.#again);
      this.#again = setTimeout(this.#onChance, batteryCheckMs);
      this.#again.unref();
    }
    return this.#isOnBattery;
  }

  /** @returns whether {@link wake} ended it */
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
    clearTimeout(this.#again);
    this.wake();
  }
}
