/** The life of the server's process: what the extension knows about it, and when it is restarted after an exit. */

import type { Status } from '../../language-server/protocol/server';

/** The stage that the server's process is in, as the extension sees it. */
export type ServerLife = 'starting' | 'running' | 'restarting' | 'gave-up' | 'stopped';

/** What the status item, the menu and the commands know about the server. */
export interface ServerView {
  readonly life: ServerLife;
  /** The latest status of the running server; absent before the first one and while no server runs. */
  readonly status?: Status;
}

/** Restarts a server that exited by itself after 1, 2, 4 and 8 s, and no more after the 5th exit within 3 minutes. */
export class RestartPolicy {
  static readonly windowMs = 3 * 60 * 1000;
  static readonly maxEnds = 5;
  #ends: number[] = [];

  /** Decides what follows an exit. @param now the time of the exit, in milliseconds */
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

  /** Forgets earlier exits, as the user asked for a restart. */
  reset(): void {
    this.#ends = [];
  }
}
