/** The page's side of the connection to its host. */

import type { LeftOut } from '../language-server/protocol/validate';

interface VsCodeApi {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface Webview<ToHost, ToView> {
  send(message: ToHost): void;
  onMessage(take: (message: ToView) => void): void;
}

/** The maximum number of entries of one message that are named in a report. */
const maxNamed = 5;

/**
 * Checks outgoing messages as well, so that a mistake is found where it is made. Invalid messages, and entries that are left out
 * of one, are reported to the host for its log.
 */
export function webview<ToHost, ToView>(
  checkToHost: (value: unknown) => ToHost,
  checkToView: (value: unknown, leftOut: LeftOut) => ToView,
): Webview<ToHost, ToView> {
  const api = acquireVsCodeApi();
  const report = (problem: string) => api.postMessage(checkToHost({ kind: 'problem', text: problem }));
  const send = (message: ToHost) => {
    try {
      api.postMessage(checkToHost(message));
    } catch (error) {
      report(`The page could not send a message: ${String(error)}`);
    }
  };
  return {
    send,
    onMessage: (take) => {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        const left: string[] = [];
        try {
          take(checkToView(event.data, (what) => left.push(what)));
        } catch (error) {
          report(`The page could not take a message: ${String(error)}`);
        }
        if (left.length > 0) {
          const more = left.length > maxNamed ? `; and ${left.length - maxNamed} more` : '';
          report(`The page left out of a message: ${left.slice(0, maxNamed).join('; ')}${more}`);
        }
      });
    },
  };
}
