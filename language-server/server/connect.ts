/** The connection of this process with its client. */

import { type Connection, createConnection, ProposedFeatures, StreamMessageWriter } from 'vscode-languageserver/node';
import { FrameReader } from './frame-reader';
import { protocolPipe } from './stdio';

/** Milliseconds between two reports on a pipe that brings nothing but broken messages. */
const minIntervalMs = 1000;

interface StdioConnection {
  readonly connection: Connection;
  /** Settles with the exit code when stdin has ended: then there is no client any more. */
  readonly ended: Promise<number>;
}

/** The connection over stdin and stdout. */
export function connectStdio(): StdioConnection {
  const { input, output } = protocolPipe();
  const reader = new FrameReader(input);
  const ended = new Promise<number>((resolve) => {
    const end = () => resolve(1);
    input.once('end', end).once('close', end);
  });
  const connection = createConnection(ProposedFeatures.all, reader, new StreamMessageWriter(output));
  let reportedAt = Number.NEGATIVE_INFINITY;
  let unreported = 0;
  reader.onError(({ message }) => {
    const now = performance.now();
    if (now - reportedAt < minIntervalMs) {
      unreported++;
      return;
    }
    const more = unreported === 0 ? '' : ` ${unreported} more are not listed.`;
    reportedAt = now;
    unreported = 0;
    connection.console.error(`The client's messages cannot be read as they are: ${message}${more}`);
  });
  return { connection, ended };
}
