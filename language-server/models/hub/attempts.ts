/** Tries again what a bad connection or a busy server broke off, with growing pauses, for as long as that may help. */

import { EngineError, throwIfAborted } from '../../base/errors';
import { TryLater } from './answers';
import type { HubOptions } from './options';
import { ConnectionLost } from './request';

export interface AttemptOptions {
  readonly hub: HubOptions;
  readonly signal: AbortSignal;
  /** What was wrong, and for how long it is waited. */
  readonly onWait?: ((reason: string, ms: number) => void) | undefined;
}

/**
 * @param attempt answers whether anything was won: then the count begins anew
 * @throws EngineError NETWORK after the last one; what the attempt throws
 */
export async function withAttempts<T>(
  attempt: () => Promise<T>,
  { hub, signal, onWait }: AttemptOptions,
  progress: () => number = () => 0,
): Promise<T> {
  const { timing } = hub;
  let inARow = 0;
  for (;;) {
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof ConnectionLost) && !(error instanceof TryLater)) {
        throw error;
      }
      inARow = progress() > before ? 1 : inARow + 1;
      const wanted = error instanceof TryLater ? error.afterMs : undefined;
      if (inARow >= timing.maxAttempts || (wanted ?? 0) > timing.maxRetryAfterMs) {
        const what = progress() > 0 ? 'The download stopped' : 'Nothing could be fetched';
        throw new EngineError('NETWORK', `${what}: ${error.message}.`, {
          cause: error,
          remedy:
            'Check the network, the proxy and the address of the hub, then start it again: it goes on where it was.',
        });
      }
      const ms = wanted ?? Math.min(timing.maxBackOffMs, timing.backOffMs * 2 ** (inARow - 1));
      onWait?.(error.message, ms);
      await timing.sleep(ms, signal).catch(() => throwIfAborted(signal));
    }
  }
}
