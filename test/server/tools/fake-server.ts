/** The real server with the fake engine, as a process of its own: options in FAKE_ENGINE, events on stderr. */

import { open } from 'node:fs';
import { connectStdio } from '../../../language-server/server/connect';
import { serve } from '../../../language-server/server/server';
import { createFakeEngine, type FakeOptions } from './fake-engine';

const options = JSON.parse(process.env['FAKE_ENGINE'] ?? '{}') as FakeOptions;

const { connection, ended } = connectStdio();
/** Each takes a thread of the file system that never comes back: nobody writes into the pipe. */
connection.onNotification('test/hang', (pipes: readonly string[]) => {
  for (const pipe of pipes) {
    open(pipe, 'r', () => undefined);
  }
});

serve(connection, (engine) => createFakeEngine(options, engine, (event) => process.stderr.write(`${event}\n`)), {
  version: '0.0.0',
  idleMs: options.idleMs,
  ended,
});
