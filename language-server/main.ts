/** Entry of the language server's process: `--node-ipc` or `--stdio`. */

import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { version } from './base/version';
import { createNativeEngine } from './engine/native/native-engine';
import { connectStdio } from './server/connect';
import { serve } from './server/server';

const isStdio = process.argv.includes('--stdio');

const { connection, ended } = isStdio
  ? connectStdio()
  : { connection: createConnection(ProposedFeatures.all), ended: undefined };

serve(connection, createNativeEngine, { version, ended });
