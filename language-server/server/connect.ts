/** The connection of this process with its client. */

import { type Connection, createConnection, ProposedFeatures, StreamMessageWriter } from 'vscode-languageserver/node';
import { FrameReader } from './frame-reader';
import { protocolPipe } from './stdio';

/** Milliseconds between two words on a pipe that brings nothing but broken messages. */
const minMsBetweenWords = 1000;

interface StdioConnection {
  readonly connection: Connection;
  /** stdin has ended: there is no client any more. The exit code. */
  readonly ended: Promise<number>;
}

/** On stdin and stdout. */
export function connectStdio(): StdioConnection {
  const { input, output } = protocolPipe();
  const reader = new FrameReader(input);
  const ended = new Promise<number>((resolve) => {
    const end = () => resolve(1);
    input.once('end', end).once('close', end);
  });
  const connection = createConnection(ProposedFeatures.all, reader, new StreamMessageWriter(output));
  let told = Number.NEGATIVE_INFINITY;
  let untold = 0;
  reader.onError(({ message }) => {
    const now = performance.now();
    if (now - told < minMsBetweenWords) {
      untold++;
      return;
    }
    const more = untold === 0 ? '' : ` ${untold} more are not listed.`;
    told = now;
    untold = 0;
    connection.console.error(`The client's messages cannot be read as they are: ${message}${more}`);
  });
  return { connection, ended };
}
