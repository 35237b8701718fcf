/** The life of the server's process: what the extension knows of it, and when a new one follows an end. */

import type { Status } from '../../language-server/protocol/server';

/** Where the server's process is in its life, as the extension sees it. */
export type ServerLife = 'starting' | 'running' | 'restarting' | 'gave-up' | 'stopped';

/** What the status item, the menu and the commands know of the server. */
export interface ServerView {
  readonly life: ServerLife;
  /** The last record of the running server; absent until the first one, and while no server runs. */
  readonly status?: Status;
}

/** When a server that ended by itself is started again: after 1, 2, 4, 8 s, and not after the 5th end in 3 minutes. */
export class RestartPolicy {
  static readonly windowMs = 3 * 60 * 1000;
  static readonly maxEnds = 5;
  #ends: number[] = [];

  /** Takes note of an end at `now` (ms). */
  ended(
    now: number,
  ):
    | { readonly action: 'restart'; readonly delayMs: number; readonly first: boolean }
    | { readonly action: 'give-up' } {
    this.#ends = this.#ends.filter((end) => now - end < RestartPolicy.windowMs);
    this.#ends.push(now);
    if (this.#ends.length >= RestartPolicy.maxEnds) {
      return { action: 'give-up' };
    }
    return { action: 'restart', delayMs: 1000 * 2 ** (this.#ends.length - 1), first: this.#ends.length === 1 };
  }

  /** The user asked for a new start: earlier ends no longer count. */
  reset(): void {
    this.#ends = [];
  }
}
