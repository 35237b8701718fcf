/** How much work patterns may take: matching makes way for requests, and a pattern that takes too long is dropped. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StepCounter } from './glob';

/** Steps of one pattern in one walk. A pattern that is tried on each of 20,000 long paths takes a tenth of them. */
export const maxPatternSteps = 50_000_000;
/** Steps of all patterns in one walk: some seconds. */
const maxStepsInAll = 1_000_000_000;
/** Steps between two turns of requests: some milliseconds. */
const stepsAtOnce = 500_000;

/** The work of one walk. */
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
