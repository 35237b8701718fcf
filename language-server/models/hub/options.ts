/** Where the hub is, who asks, and how patiently. */

import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../base/errors';

type Environment = Readonly<Record<string, string | undefined>>;

export interface HubOptions {
  /** Such as `https://huggingface.co`, without a slash at its end. */
  readonly endpoint: string;
  /** For gated models; '' for none. Goes to the endpoint alone, and never into a message. */
  readonly token: string;
  /** Of the editor's settings; '' for what the environment says (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). */
  readonly proxy: string;
  readonly timing: Timing;
}

export interface Timing {
  /** Without a byte, before a connection counts as lost. */
  readonly stallMs: number;
  /** Before the first of a row of attempts; each further one waits twice as long. */
  readonly backOffMs: number;
  readonly maxBackOffMs: number;
  /** A server that wants more patience is told of instead. */
  readonly maxRetryAfterMs: number;
  /** In a row, none of which brought a byte. */
  readonly maxAttempts: number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const defaultTiming: Timing = {
  stallMs: 30_000,
  backOffMs: 1000,
  maxBackOffMs: 30_000,
  maxRetryAfterMs: 5 * 60_000,
  maxAttempts: 8,
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
};

export const publicHub = 'https://huggingface.co';

/** @param chosen what settings say: it comes before the environment @throws EngineError DOWNLOAD_FAILED for no address */
export function hubOptions(
  chosen: Partial<Omit<HubOptions, 'timing'>> = {},
  environment: Environment = process.env,
  timing: Timing = defaultTiming,
): HubOptions {
  const endpoint = chosen.endpoint || environment['HF_ENDPOINT'] || publicHub;
  if (!URL.canParse(endpoint) || !/^https?:\/\//i.test(endpoint)) {
    throw new EngineError('DOWNLOAD_FAILED', `The address of the hub, ${endpoint}, is none.`, {
      remedy: 'Correct HF_ENDPOINT or the setting of the mirror: it begins with https://.',
    });
  }
  return {
    endpoint: endpoint.replace(/(?<!\/)\/+$/, ''),
    token: (chosen.token || environment['HF_TOKEN'] || '').trim(),
    proxy: chosen.proxy ?? '',
    timing,
  };
}
