/** How much work patterns may take: all of it makes way for requests, and what takes too long is dropped. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StepCounter } from './glob';

/** Of one pattern in one walk. One that is tried on each of 20,000 long paths takes a tenth of it. */
export const maxPatternSteps = 50_000_000;
/** Of all patterns in one walk: some seconds. */
const maxStepsInAll = 1_000_000_000;
/** Some milliseconds. */
const stepsAtOnce = 500_000;

/** Of one walk. */
export class Pace implements StepCounter {
  steps = 0;
  #dueAt = stepsAtOnce;

  get isDue(): boolean {
    return this.steps > this.#dueAt;
  }

  get isSpent(): boolean {
    return this.steps > maxStepsInAll;
  }

  async makeWay(): Promise<void> {
    await nextTurn();
    this.#dueAt = this.steps + stepsAtOnce;
  }
}
