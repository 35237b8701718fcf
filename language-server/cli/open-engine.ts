/** The engine of one command; the server hosts the same one. */

import { silentLog } from '../base/log';
import type { Engine } from '../engine/engine';
import { createNativeEngine } from '../engine/native/native-engine';
import { resolveModel } from '../models/resolve-model';
import { chunkStore, defaultSettings } from '../server/settings';
import type { CommonOptions } from './arguments';
import type { Output } from './output';

/** The model's file. A model of the catalogue is verified once, with a progress bar. @throws EngineError */
export async function findModel(chosen: string, output: Output, signal: AbortSignal): Promise<string> {
  const onProgress = (share: number) => output.progress('Checking the model', share);
  const file = await resolveModel(chosen, true, process.env, { signal, onProgress });
  output.progressDone();
  return file;
}

interface EngineUse {
  /** Where chunks are stored: in the cache that everything shares, or in a folder. Without it, no repository is read. */
  readonly store?: 'shared' | { readonly folder: string } | undefined;
}

/** @throws EngineError */
export async function withEngine<T>(
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
  work: (engine: Engine, modelPath: string) => Promise<T>,
  { store }: EngineUse = {},
): Promise<T> {
  const modelPath = await findModel(options.model, output, signal);
  const log = { ...silentLog, warn: (text: string) => output.message(text) };
  const shared = chunkStore(options.attention, { ...defaultSettings.repository, precision: options.rows }, log);
  const engine = await createNativeEngine({
    modelPath,
    ...(store === undefined || shared === undefined
      ? {}
      : { store: store === 'shared' ? shared : { ...shared, folder: store.folder } }),
    attention: options.attention,
    budget: options.budget,
    threads: options.threads,
    device: options.device,
    contextTokens: options.contextTokens,
    signal,
    onProgress: (share) => output.progress('Loading the model', share),
  });
  output.progressDone();
  try {
    return await work(engine, modelPath);
  } finally {
    await engine.dispose();
  }
}
