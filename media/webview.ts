/** The page's end of the line to its host. */

interface VsCodeApi {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface Webview<M> {
  send(message: M): void;
  onMessage(take: (value: unknown) => void): void;
}

/**
 * @param check of what goes out, so that a mistake is found where it is made
 * @param problem how the host is told of a message that was not one
 */
export function webview<M>(check: (value: unknown) => M, problem: (text: string) => M): Webview<M> {
  const api = acquireVsCodeApi();
  const send = (message: M) => {
    api.postMessage(check(message));
  };
  return {
    send,
    onMessage: (take) => {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        try {
          take(event.data);
        } catch (error) {
          send(problem(`The page could not take a message: ${String(error)}`.slice(0, 4000)));
        }
      });
    },
  };
}
