/** Whether completions come in time here, and if not, what takes the time. */

import type { NativeGenerationStats } from '../../engine/native/addon-generation';
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

export class BudgetWatch {
  /** The cause where a request was late, undefined where it was in time; newest last. */
  #requests: (Cause | undefined)[] = [];
  #budgetMs = 0;

  /** @param stats absent when the time was over before the first token: it went into reading */
  note(late: boolean, budgetMs: number, stats: NativeGenerationStats | undefined): void {
    this.#budgetMs = budgetMs;
    this.#requests = [...this.#requests, late ? causeOf(stats) : undefined].slice(-lastRequests);
  }

  /** Another model, or other settings: what was measured no longer holds. */
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
