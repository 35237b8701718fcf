/** What a server's refusal means for the user, and when to ask again. */

import { EngineError } from '../../base/errors';
import type { HubOptions } from './options';
import { type Answer, failed } from './request';

/** Asks again later: the server is there and cannot now. */
export class TryLater extends Error {
  /** As the server wants it; undefined where it does not say. */
  readonly afterMs: number | undefined;

  constructor(message: string, afterMs: number | undefined) {
    super(message);
    this.afterMs = afterMs;
  }
}

/** @throws TryLater for 429, 408 and 5xx; EngineError NETWORK, DOWNLOAD_FAILED for other refusals */
export function requireAnswer(answer: Answer, what: string, options: HubOptions): void {
  const { status, place, headers } = answer;
  if (status >= 200 && status < 300) {
    return;
  }
  answer.body.destroy();
  if (status === 401 || status === 403) {
    throw failed(
      `${place} refuses access to ${what}${options.token === '' ? '' : ' with this token'} (HTTP ${status}).`,
      'If the model is gated, accept its terms on its page of the hub, and set HF_TOKEN to a token of your account.',
    );
  }
  if (status === 404 || status === 410) {
    throw failed(`${what} was not found at ${place}.`, 'Check the name of the repository and of the file.');
  }
  if (status === 407) {
    throw new EngineError('NETWORK', 'The proxy wants a name and a password.', {
      remedy: 'Set it as http://NAME:PASSWORD@HOST:PORT.',
    });
  }
  if (status === 429 || status === 408 || status >= 500) {
    throw new TryLater(`${place} answers HTTP ${status}`, retryAfter(headers['retry-after']));
  }
  throw failed(`${place} answers HTTP ${status}.`);
}

/** Seconds, or a date. */
export function retryAfter(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (/^\d{1,9}$/.test(value.trim())) {
    return Number(value) * 1000;
  }
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
