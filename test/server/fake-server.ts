/** The real server with the fake engine, as a process of its own: options in FAKE_ENGINE, events on stderr. */

import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { serve } from '../../language-server/serve';
import { createFakeEngine, type FakeOptions } from './fake-engine';

const options = JSON.parse(process.env['FAKE_ENGINE'] ?? '{}') as FakeOptions;

serve(
  createConnection(ProposedFeatures.all),
  (engine) => createFakeEngine(options, engine, (event) => process.stderr.write(`${event}\n`)),
  { version: '0.0.0', idleMs: options.idleMs },
);
