/** The page's end of the line to its host. */

import type { LeftOut } from '../language-server/protocol/validate';

interface VsCodeApi {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface Webview<ToHost, ToView> {
  send(message: ToHost): void;
  onMessage(take: (message: ToView) => void): void;
}

/** Of one message. */
const maxNamed = 5;

/**
 * Checks what goes out, too, so that a mistake is found where it is made. A message that was not one is told to the host, and
 * what was left out of one.
 */
export function webview<ToHost, ToView>(
  checkToHost: (value: unknown) => ToHost,
  checkToView: (value: unknown, leftOut: LeftOut) => ToView,
): Webview<ToHost, ToView> {
  const api = acquireVsCodeApi();
  const tell = (problem: string) => api.postMessage(checkToHost({ kind: 'problem', text: problem }));
  const send = (message: ToHost) => {
    try {
      api.postMessage(checkToHost(message));
    } catch (error) {
      tell(`The page could not send a message: ${String(error)}`);
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
          tell(`The page could not take a message: ${String(error)}`);
        }
        if (left.length > 0) {
          const more = left.length > maxNamed ? `; and ${left.length - maxNamed} more` : '';
          tell(`The page left out of a message: ${left.slice(0, maxNamed).join('; ')}${more}`);
        }
      });
    },
  };
}
