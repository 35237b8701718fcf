/** process.exit() in the middle of the engine's work: the process ends with its code, and not by a signal. */

import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { addonPath } from '../../language-server/engine/native/load-addon';
import { useWorkshop } from './tools/workshop';

const workshop = useWorkshop();

/** Exits with code 7 when the prefill has begun, or when the n-th token is decoded. */
const script = `
const [addonPath, modelPath, when] = process.argv.slice(1);
const addon = require(addonPath);
addon.loadBackends(require('node:path').dirname(addonPath));
addon.loadModel({ path: modelPath }, () => {}).promise.then((model) => {
  const context = model.createContext({ contextTokens: 4096, threads: 2, microBatch: 8 });
  const tokens = Int32Array.from({ length: 2000 }, (_, at) => 10 + (at % 50));
  let decoded = 0;
  context.generate(
    {
      tokens, maxTokens: 2000, stopTokens: [], attention: 'dense', budget: 256, fasaFromTokens: 0, priority: 0,
      sampling: { temperature: 0, topK: 1, topP: 1, seed: 0 },
    },
    {
      onProgress: (fed) => { if (when === 'prefill' && fed > 100) process.exit(7); },
      onToken: () => { if (++decoded === Number(when)) process.exit(7); },
    },
  );
});
`;

it.each([...Array<string>(8).fill('prefill'), '1', '2', '20', '200'])('ends with its code at %s', async (when) => {
  const file = workshop.file({ architecture: 'llama', layers: 2, heads: 3, kvHeads: 1, feedForward: 128 });
  const child = spawn(process.execPath, ['-e', script, addonPath(), file, when], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => {
    said += String(data);
  });
  const end = await new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  expect({ end, said }).toEqual({ end: { code: 7, signal: null }, said: '' });
});
