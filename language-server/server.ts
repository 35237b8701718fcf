/** Entry of the language server's process: `--node-ipc` or `--stdio`. */

import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { createNativeEngine } from './engine/native-engine';
import { serve } from './serve';
import { version } from './version';

serve(createConnection(ProposedFeatures.all), createNativeEngine, { version });
