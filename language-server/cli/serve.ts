/** `serve --stdio`: the language server for any editor, which speaks its protocol on stdin and stdout. */

import { version } from '../base/version';
import { createNativeEngine } from '../engine/native/native-engine';
import { connectStdio } from '../server/connect';
import { serve as serveOn } from '../server/server';
import { type CommandLine, usageError } from './arguments';

/** Runs until the client ends it: the library exits the process after `exit`, or when its pipe closes. */
export async function serve({ operands, options, stdio }: CommandLine, signal: AbortSignal): Promise<never> {
  if (!stdio || operands.length > 0) {
    throw usageError('serve speaks over pipes alone: fasa-code serve --stdio.');
  }
  if (options.model !== '') {
    // a setting of the client takes precedence over it, as over the variable
    process.env['FASA_MODEL'] = options.model;
  }
  const { connection, ended } = connectStdio();
  // a signal from a terminal or a service manager ends it like a closed pipe
  const interrupted = new Promise<number>((resolve) => {
    signal.addEventListener('abort', () => resolve(130), { once: true });
  });
  serveOn(connection, createNativeEngine, { version, ended: Promise.race([ended, interrupted]) });
  return new Promise<never>(() => undefined);
}
