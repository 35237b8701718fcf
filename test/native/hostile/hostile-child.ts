/** The child of the hostile-input tests: tries one file in all the ways a model is used and says what came of it. */

import { loadLaboratoryAddon } from '../../../bench/common/addon';

export interface Attempt {
  readonly code: string | undefined;
  readonly message: string;
}

export interface Attempts {
  readonly inspect: Attempt | 'accepted';
  readonly load: Attempt | 'accepted';
  /** What a model that was loaded did with tokens; absent when none was. */
  readonly use?: Attempt | 'accepted';
}

const addon = loadLaboratoryAddon();

async function attempt(action: () => unknown): Promise<Attempt | 'accepted'> {
  try {
    await action();
    return 'accepted';
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    return { code, message: message ?? String(error) };
  }
}

async function use(path: string): Promise<void> {
  const model = await addon.loadModel({ path }, () => {}).promise;
  try {
    const { layers, kvHeads, headSize, vocabulary } = model.info;
    model.tokenize('const x = the return;\n\u00e9\u{1f642}\ud800', true);
    for (let token = 0; token < Math.min(vocabulary, 2000); token++) {
      await attempt(() => model.tokenBytes(token));
    }
    const fcs = Array.from({ length: Math.max(1, headSize / 4) }, (_, i) => i);
    const calibration = {
      dominantFcs: Array.from({ length: layers }, () => Array.from({ length: kvHeads }, () => fcs)),
    };
    const context = model.createContext({ contextTokens: 256, threads: 1, microBatch: 32, calibration });
    try {
      const tokens = Int32Array.from(
        { length: Math.min(200, 4 * vocabulary) },
        (_, i) => i % Math.min(vocabulary, 256),
      );
      const common = { budget: 64, fasaFromTokens: 0, attention: 'fasa-c' } as const;
      await context.evaluate({ tokens, from: tokens.length - 2, stepwise: true, ...common }).promise;
      const sampling = { temperature: 0.8, topK: 40, topP: 0.9, seed: 1 };
      const options = { tokens, maxTokens: 8, sampling, stopTokens: [], priority: 0, ...common };
      await context.generate(options, {}).promise;
    } finally {
      context.dispose();
    }
  } finally {
    model.dispose();
  }
}

async function tryAll(path: string): Promise<Attempts> {
  const inspect = await attempt(() => addon.inspectModel(path));
  const load = await attempt(async () => {
    const model = await addon.loadModel({ path }, () => {}).promise;
    model.dispose();
  });
  return load === 'accepted' ? { inspect, load, use: await attempt(() => use(path)) } : { inspect, load };
}

process.on('message', (message: { path: string }) => {
  tryAll(message.path).then(
    (result) => process.send?.({ result }),
    (error: unknown) => {
      throw error;
    },
  );
});
process.send?.('ready');
