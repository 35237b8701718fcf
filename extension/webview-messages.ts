/** The host's end of the line to a page: what is none of its messages is dropped, with a line in the log. */

import { describeError } from './errors';

interface PageParts<M> {
  /** In a sentence: `the chat panel`. */
  readonly name: string;
  readonly output: { warn(line: string): void };
  /** @throws MessageError */
  readonly check: (value: unknown) => M;
  readonly handle: (message: M) => Promise<void>;
  /** Takes what `handle` rejected with. */
  readonly failed: (error: unknown) => void;
}

/** What of a vscode.Webview is used here. */
interface Page {
  onDidReceiveMessage(hear: (value: unknown) => void): unknown;
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
