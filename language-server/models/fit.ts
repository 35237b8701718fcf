/** Whether a model fits the memory that is free now, with the figure, before it is loaded or even fetched. */

import { memoryParts } from '../engine/memory';
import type { Fit, MemoryParts, MemoryTier } from '../protocol/models';

export interface FitModel {
  /** Of the file, or of all parts of it. */
  readonly bytes: number;
  readonly kvBytesPerToken: number;
  readonly trainedContext: number | undefined;
}

export interface FreeMemory {
  /** Of the machine. */
  readonly host: number;
  /** Of the GPU that would compute; undefined for the CPU. */
  readonly device?: number;
  readonly tier?: MemoryTier;
}

/** Below this a model sees too little to be of use. */
export const minContextTokens = 1024;
const stepTokens = 256;

/** @param wantedTokens the trained context at most */
export function fitOf(model: FitModel, memory: FreeMemory, wantedTokens: number): Fit {
  const wanted = Math.max(1, Math.min(wantedTokens, model.trainedContext ?? wantedTokens));
  const tier = memory.tier ?? (memory.device === undefined ? 'cpu' : 'gpu');
  const at = (tokens: number) => {
    const parts = memoryParts(model, tokens);
    return { parts, ...placed(parts, tier) };
  };
  const fits = (tokens: number) => {
    const { hostBytes, deviceBytes } = at(tokens);
    return hostBytes <= memory.host && deviceBytes <= (memory.device ?? 0);
  };
  const least = Math.min(minContextTokens, wanted);
  const contextTokens = fits(wanted) ? wanted : largestThatFits(least, wanted, fits);
  const kind = contextTokens === wanted ? 'fits' : contextTokens > 0 ? 'less-context' : 'does-not-fit';
  return {
    kind,
    tier,
    wantedTokens: wanted,
    contextTokens,
    ...at(contextTokens === 0 ? least : contextTokens),
    hostAvailable: memory.host,
    deviceAvailable: memory.device ?? 0,
  };
}

/** @returns 0 where even the least does not fit */
function largestThatFits(least: number, wanted: number, fits: (tokens: number) => boolean): number {
  if (!fits(least)) {
    return 0;
  }
  // what is needed grows with the tokens
  let [good, bad] = [least, wanted];
  while (bad - good > stepTokens) {
    const middle = good + Math.floor((bad - good) / 2);
    [good, bad] = fits(middle) ? [middle, bad] : [good, middle];
  }
  return Math.max(least, Math.floor(good / stepTokens) * stepTokens);
}

function placed(parts: MemoryParts, tier: MemoryTier): { readonly hostBytes: number; readonly deviceBytes: number } {
  const { weights, keysAndValues, importanceKeys, work } = parts;
  switch (tier) {
    case 'cpu':
      return { hostBytes: weights + keysAndValues + importanceKeys + work, deviceBytes: 0 };
    case 'gpu':
      return { hostBytes: work, deviceBytes: weights + keysAndValues + importanceKeys };
    case 'gpu-rows-on-host':
      return { hostBytes: keysAndValues + work, deviceBytes: weights + importanceKeys };
  }
}

/** The largest of those that fit and leave half of the memory to others; of several, the first. undefined for none. */
export function bestOf<T>(models: readonly T[], fitFor: (model: T) => Fit | undefined): T | undefined {
  let best: { readonly model: T; readonly weights: number } | undefined;
  for (const model of models) {
    const one = fitFor(model);
    if (one?.kind !== 'fits') {
      continue;
    }
    const leaves = one.tier === 'cpu' ? one.hostBytes <= one.hostAvailable / 2 : one.deviceBytes <= one.deviceAvailable;
    if (leaves && (best === undefined || one.parts.weights > best.weights)) {
      best = { model, weights: one.parts.weights };
    }
  }
  return best?.model;
}
