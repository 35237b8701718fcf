/** Which chunks a tail attends to, and how: relevance, order. */

import type { NativeChunk, NativeRepository } from '../../language-server/engine/native/addon';
import { priorsOf, type Scored } from '../../language-server/index/rank/composition';
import type { Variant } from './options';

export type ScoredChunk = Scored<NativeChunk>;

/** The most relevant chunk comes last, nearest to the tail. */
export function compose(chunks: readonly ScoredChunk[], variant: Variant): NativeRepository {
  const ordered = chunks.toSorted((left, right) => left.score - right.score);
  return {
    chunks: ordered.map(({ chunk }) => chunk),
    priors: Float32Array.from(
      priorsOf(
        ordered.map(({ score }) => score),
        variant.prior,
      ),
    ),
    bias: variant.bias * Math.log(Math.max(1, ordered.length)),
    lateTokens: variant.late,
  };
}
