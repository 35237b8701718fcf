/** The connection of this process with its client. */

import { type Connection, createConnection, ProposedFeatures, StreamMessageWriter } from 'vscode-languageserver/node';
import { drained } from './ending';
import { FrameReader } from './frame-reader';
import { protocolPipe } from './stdio';

/** Milliseconds between two words on a pipe that brings nothing but broken messages. */
const minMsBetweenWords = 1000;

/** On stdin and stdout. The process ends when stdin does: with 0 after `shutdown` (ending.ts), else with 1. */
export function connectStdio(): Connection {
  const { input, output } = protocolPipe();
  const reader = new FrameReader(input);
  process.exitCode = 1;
  const end = () => void drained().then(() => process.exit());
  input.once('end', end).once('close', end);
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
  return connection;
}
