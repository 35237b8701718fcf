/** Which chunks a tail attends to, and how: relevance, order, offsets. */

import type { NativeChunk, NativeRepository } from '../../language-server/engine/native/addon';
import { priorsOf, type Scored } from '../../language-server/index/rank/composition';
import type { Variant } from './options';

export type ScoredChunk = Scored<NativeChunk>;

/** With sequential offsets, the most relevant chunk is nearest to the tail; with shared ones, all are at the window's start. */
export function compose(chunks: readonly ScoredChunk[], variant: Variant): NativeRepository {
  const ordered = chunks.toSorted((left, right) => left.score - right.score);
  const offsets = new Int32Array(ordered.length);
  if (variant.offsets === 'sequential') {
    let sum = 0;
    ordered.forEach(({ chunk }, i) => {
      offsets[i] = sum;
      sum += chunk.tokens;
    });
  }
  return {
    chunks: ordered.map(({ chunk }) => chunk),
    priors: Float32Array.from(
      priorsOf(
        ordered.map(({ score }) => score),
        variant.prior,
      ),
    ),
    offsets,
    bias: variant.bias * Math.log(Math.max(1, ordered.length)),
    lateTokens: variant.late,
  };
}

/** Where the tail's positions begin: after the window that chunks share, or after all of them. */
export function tailPosition(
  anchorTokens: number,
  windowTokens: number,
  chunks: readonly ScoredChunk[],
  variant: Variant,
): number {
  const all = chunks.reduce((sum, { chunk }) => sum + chunk.tokens, 0);
  return anchorTokens + (variant.offsets === 'sequential' ? all : windowTokens);
}
