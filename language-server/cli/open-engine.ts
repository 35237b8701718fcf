/** The engine of one command: the same that the server hosts. */

import type { Engine } from '../engine/engine';
import { createNativeEngine } from '../engine/native-engine';
import { resolveModel } from '../models/resolve-model';
import type { CommonOptions } from './arguments';
import type { Output } from './output';

/** @throws EngineError */
export async function withEngine<T>(
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const modelPath = await resolveModel(options.model, true);
  const engine = await createNativeEngine({
    modelPath,
    attention: options.attention,
    budget: options.budget,
    threads: options.threads,
    contextTokens: options.contextTokens,
    signal,
    onProgress: (share) => output.progress('Loading the model', share),
  });
  output.progressDone();
  try {
    return await work(engine);
  } finally {
    await engine.dispose();
  }
}
