/** Entry of the language server's process: `--node-ipc` or `--stdio`. */

import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { connectStdio } from './connect';
import { createNativeEngine } from './engine/native-engine';
import { serve } from './serve';
import { version } from './version';

const isStdio = process.argv.includes('--stdio');

const { connection, ended } = isStdio
  ? connectStdio()
  : { connection: createConnection(ProposedFeatures.all), ended: undefined };

serve(connection, createNativeEngine, { version, ended });
