/** Hands requests to the features that answer them. */

import { type CancellationToken, type Connection, LSPErrorCodes, ResponseError } from 'vscode-languageserver/node';
import { isCancelled, toEngineError } from '../base/errors';
import type { Answer, Feature, Requests } from '../lsp/feature';

export class RequestRouter implements Requests {
  readonly connection: Connection;
  readonly #features: readonly Feature[];

  constructor(connection: Connection, features: readonly Feature[]) {
    this.connection = connection;
    this.#features = features;
  }

  on(method: string, answer: Answer): void {
    this.connection.onRequest(method, (...params: unknown[]) => {
      // the token comes last, after parameters that a client may leave out
      const token = params.at(-1) as CancellationToken;
      return guard(token, async (signal) => answer(params.length > 1 ? params[0] : undefined, signal));
    });
  }

  onUrgent(method: string, answer: Answer): void {
    this.on(method, async (params, signal) => {
      for (const feature of this.#features) {
        feature.requestStarted?.();
      }
      try {
        return await answer(params, signal);
      } finally {
        for (const feature of this.#features) {
          feature.requestEnded?.();
        }
      }
    });
  }
}

/** LSP's cancellation becomes a signal, a typed error a response with its code and remedy. */
async function guard<T>(
  token: CancellationToken,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | ResponseError<unknown>> {
  const controller = new AbortController();
  const subscription = token.onCancellationRequested(() => controller.abort());
  if (token.isCancellationRequested) {
    controller.abort();
  }
  try {
    return await work(controller.signal);
  } catch (error) {
    if (error instanceof ResponseError) {
      return error;
    }
    const failure = toEngineError(error);
    const code = isCancelled(failure) ? LSPErrorCodes.RequestCancelled : LSPErrorCodes.RequestFailed;
    const problem = failure.toProblem();
    return new ResponseError(code, `${problem.message} ${problem.remedy}`, problem);
  } finally {
    subscription.dispose();
  }
}
