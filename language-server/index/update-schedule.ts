/**
 * When something that follows events is brought up to date: a moment after the last event of a burst, one update at a
 * time, and once more after an event that came while an update was running.
 */

import { throwIfAborted } from '../base/errors';

/** Events come in bursts: a branch switch, a formatter, a save of all. */
export const debounceMs = 200;

export class UpdateSchedule {
  readonly #update: (signal: AbortSignal) => Promise<void>;
  readonly #onUpdated: () => void;
  #timer: NodeJS.Timeout | undefined;
  #running: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  #isRequestedAgain = false;
  #closed = false;

  /**
   * @param update never rejects
   * @param onUpdated is called after each update, also after one that was aborted
   */
  constructor(update: (signal: AbortSignal) => Promise<void>, onUpdated: () => void) {
    this.#update = update;
    this.#onUpdated = onUpdated;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  request(delayMs = debounceMs): void {
    if (this.#closed) {
      return;
    }
    if (this.#running !== undefined) {
      this.#isRequestedAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), delayMs);
  }

  /** Ends the update that is running; an update that was requested meanwhile still comes. */
  abort(): void {
    this.#running?.controller.abort();
  }

  /** Settles when no update is running or requested; one that waits for its moment begins at once. */
  async settled(signal?: AbortSignal): Promise<void> {
    while (this.#timer !== undefined || this.#running !== undefined) {
      throwIfAborted(signal);
      if (this.#timer !== undefined) {
        this.#start();
      }
      await this.#running?.done;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.abort();
    await this.#running?.done;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running !== undefined || this.#closed) {
      return;
    }
    const controller = new AbortController();
    this.#running = { controller, done: this.#run(controller.signal) };
  }

  async #run(signal: AbortSignal): Promise<void> {
    await this.#update(signal);
    this.#running = undefined;
    if (this.#isRequestedAgain) {
      this.#isRequestedAgain = false;
      this.request(signal.aborted ? 0 : debounceMs);
    }
    this.#onUpdated();
  }
}
