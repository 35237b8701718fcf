/** The host's side of the connection to a page: anything but a valid message is dropped with a line in the log. */

import { describeError } from './errors';

interface PageParts<M> {
  /** The name of the page within a sentence, for example `the chat panel`. */
  readonly name: string;
  readonly output: { warn(line: string): void };
  /** @throws MessageError */
  readonly check: (value: unknown) => M;
  readonly handle: (message: M) => Promise<void>;
  /** Is called with the error when `handle` rejects. */
  readonly failed: (error: unknown) => void;
}

/** The part of vscode.Webview that is used here. */
interface Page {
  onDidReceiveMessage(listener: (value: unknown) => void): unknown;
}

export function takeMessages<M>(webview: Page, { name, output, check, handle, failed }: PageParts<M>): void {
  webview.onDidReceiveMessage((value: unknown) => {
    let message: M;
    try {
      message = check(value);
    } catch (error) {
      output.warn(`A message of ${name} was not understood: ${describeError(error)}`);
      return;
    }
    handle(message).catch(failed);
  });
}
