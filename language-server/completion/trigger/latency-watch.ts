/** Whether completions are done within their time budget, and if not, what takes the time. */

import type { NativeGenerationStats } from '../../engine/native/addon';
import type { SlowStatus } from '../../protocol/server';

const lastRequests = 5;
const maxLate = 2;

type Cause = SlowStatus['cause'];

const causes: Readonly<Record<Cause, string>> = {
  feeding: 'Most of the time is spent on prompt processing.',
  decoding: 'Most of the time is spent on generating the suggestion.',
  waiting: 'Most of the time is spent on waiting for other work of the model.',
};

const remedies: Readonly<Record<Cause, string>> = {
  feeding: 'Read less of the current file (fasa.completion.tailTokens), or choose a smaller model.',
  decoding: 'Choose a smaller model, or shorten suggestions (fasa.completion.maxTokens).',
  waiting: 'Let the other work finish, or choose a smaller model.',
};

export class LatencyWatch {
  /** For each of the last requests, the cause if it was late, else undefined; the newest is the last one. */
  #requests: (Cause | undefined)[] = [];
  #budgetMs = 0;

  /** @param stats absent where the time was over before the first token, so that prefill took it */
  note(late: boolean, budgetMs: number, stats: NativeGenerationStats | undefined): void {
    this.#budgetMs = budgetMs;
    this.#requests = [...this.#requests, late ? causeOf(stats) : undefined].slice(-lastRequests);
  }

  /** What was measured no longer holds for another model, or other settings. */
  clear(): void {
    this.#requests = [];
  }

  get slow(): SlowStatus | undefined {
    const late = this.#requests.filter((cause) => cause !== undefined);
    const cause = late.at(-1);
    if (cause === undefined || late.length <= maxLate) {
      return undefined;
    }
    const seconds = (this.#budgetMs / 1000).toFixed(1);
    return {
      cause,
      message: `${late.length} of the last ${this.#requests.length} completions were not done within ${seconds} s. ${causes[cause]}`,
      remedy: remedies[cause],
    };
  }
}

function causeOf(stats: NativeGenerationStats | undefined): Cause {
  if (stats === undefined) {
    return 'feeding';
  }
  const { queueMs, prefillMs, decodeMs } = stats;
  if (queueMs > prefillMs && queueMs > decodeMs) {
    return 'waiting';
  }
  return prefillMs > decodeMs ? 'feeding' : 'decoding';
}
