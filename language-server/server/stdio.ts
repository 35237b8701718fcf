/** stdin and stdout as the protocol's pipe: whatever else this process prints to stdout goes to stderr from then on. */

import { type Readable, Writable } from 'node:stream';

interface ProtocolPipe {
  readonly input: Readable;
  readonly output: Writable;
}

/** Takes the pipe, once in a process. A dependency that logs would break the frames of the protocol. */
export function protocolPipe(): ProtocolPipe {
  const { stdin, stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  const output = new Writable({
    decodeStrings: false,
    write: (chunk: string | Uint8Array, encoding, done) => {
      // bytes come with an encoding that is none
      write(chunk, typeof chunk === 'string' ? encoding : undefined);
      // stdout has a queue of its own, and at the end of the process nothing may wait here
      done();
    },
  });
  stdout.on('error', (error) => output.destroy(error));
  stdout.write = stderr.write.bind(stderr);
  return { input: stdin, output };
}
