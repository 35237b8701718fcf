/** `serve --stdio`: the language server for any editor, its protocol on stdin and stdout. */

import { connectStdio } from '../connect';
import { drained } from '../ending';
import { createNativeEngine } from '../engine/native-engine';
import { serve as serveOn } from '../serve';
import { version } from '../version';
import { type CommandLine, usageError } from './arguments';

/** Runs until the client ends it: the library exits the process after `exit`, or when its pipe closes. */
export async function serve({ operands, options, stdio }: CommandLine, signal: AbortSignal): Promise<never> {
  if (!stdio || operands.length > 0) {
    throw usageError('serve speaks over pipes alone: fasa-code serve --stdio.');
  }
  if (options.model !== '') {
    // a setting of the client comes after it, as after the variable
    process.env['FASA_MODEL'] = options.model;
  }
  const { connection, ended } = connectStdio();
  serveOn(connection, createNativeEngine, { version, ended });
  return new Promise<never>(() => {
    // what a terminal or a service manager sends ends it at once
    signal.addEventListener('abort', () => void drained().then(() => process.exit(130)), { once: true });
  });
}
