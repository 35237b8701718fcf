/** The end of the server's process, which comes whatever hangs. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds to close each part; editors wait two seconds before they kill the process. */
const maxCloseMs = 800;
/** Milliseconds for reads and writes that are under way when all is closed. */
const maxDrainMs = 200;
const drainStepMs = 10;

export class Ending {
  #hangs = false;

  constructor() {
    // a process that exits waits for its threads, and one that opened a pipe without a writer never comes back
    process.once('exit', () => {
      if (this.#hangs || isReading()) {
        process.kill(process.pid, 'SIGKILL');
      }
    });
  }

  /**
   * Closes the parts one after the other, and settles in any case: a part that hangs ends with the process.
   * @param say is called with a sentence for each part that hangs
   */
  async close(parts: Readonly<Record<string, () => Promise<void>>>, say: (sentence: string) => void): Promise<void> {
    for (const [name, close] of Object.entries(parts)) {
      const isClosed = await Promise.race([close().then(() => true), sleep(maxCloseMs, false, { ref: false })]);
      if (!isClosed) {
        this.#hangs = true;
        say(`The ${name} does not end by itself; the process is ended without it.`);
      }
    }
    await drained();
  }
}

/** Settles when no read or write is under way, or when waiting longer would be of no use. */
async function drained(): Promise<void> {
  for (let waited = 0; isReading() && waited < maxDrainMs; waited += drainStepMs) {
    await sleep(drainStepMs);
  }
}

/** Whether a thread of Node's is in the file system. */
function isReading(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
}
