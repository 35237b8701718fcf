/** The page's end of the line to its host. */

interface VsCodeApi {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface Webview<ToHost, ToView> {
  send(message: ToHost): void;
  onMessage(take: (message: ToView) => void): void;
}

/** Checks what goes out, too, so that a mistake is found where it is made. A message that was not one is told to the host. */
export function webview<ToHost, ToView>(
  checkToHost: (value: unknown) => ToHost,
  checkToView: (value: unknown) => ToView,
): Webview<ToHost, ToView> {
  const api = acquireVsCodeApi();
  const send = (message: unknown) => {
    api.postMessage(checkToHost(message));
  };
  return {
    send,
    onMessage: (take) => {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        try {
          take(checkToView(event.data));
        } catch (error) {
          send({ kind: 'problem', text: `The page could not take a message: ${String(error)}`.slice(0, 4000) });
        }
      });
    },
  };
}
