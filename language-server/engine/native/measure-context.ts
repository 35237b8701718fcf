/** A few FASA and dense steps over what a context has cached. */

import { cancellable } from '../../base/cancellable';
import { EngineError, throwIfAborted, toEngineError } from '../../base/errors';
import type { EngineMeasurement } from '../engine';
import type { NativeContext } from './addon';

/** Steps of each kind; the first one builds its graph and is not timed. */
const steps = 9;
/** Measuring runs after everything that anyone waits for. */
const lowestPriority = -10;

/** @throws EngineError TOO_FEW_TOKENS */
export function checkMeasurable(tokens: number, budget: number): void {
  if (tokens <= budget + steps) {
    throw new EngineError(
      'TOO_FEW_TOKENS',
      `There are ${tokens} tokens in the cache, and FASA reads ${budget}: there is nothing to choose from yet.`,
    );
  }
}

/** @throws EngineError CANCELLED */
export async function measureContext(
  context: NativeContext,
  budget: number,
  signal: AbortSignal,
): Promise<EngineMeasurement> {
  throwIfAborted(signal);
  try {
    const result = await cancellable(context.measure({ steps, budget, priority: lowestPriority }), signal);
    return {
      atTokens: result.tokens,
      fasaMsPerToken: median(result.fasaMs.slice(1)),
      denseMsPerToken: median(result.denseMs.slice(1)),
      kl: result.kl,
      agreeing: result.agreeing,
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

/** The upper one of the two values in the middle, where their number is even. */
function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}
