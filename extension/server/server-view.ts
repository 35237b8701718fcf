import type { Status } from '../../language-server/protocol';

/** Where the server's process is in its life, as the extension sees it. */
export type ServerLife = 'starting' | 'running' | 'restarting' | 'gave-up' | 'stopped';

/** What the status item, the menu and the commands know of the server. */
export interface ServerView {
  readonly life: ServerLife;
  /** The last record of the running server; absent until the first one, and while no server runs. */
  readonly status?: Status;
}
