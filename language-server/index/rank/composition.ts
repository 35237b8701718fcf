/** Composition of one request: which chunks it retrieves, and the prior that biases the selection of their tokens. */

/**
 * The prior of each score: -strength * z, where z is how many standard deviations (over all chunks) it is below the
 * best score. All priors are 0 where no chunk stands out.
 */
export function priorsOf(scores: readonly number[], strength: number): number[] {
  const count = scores.length;
  const mean = scores.reduce((sum, score) => sum + score, 0) / Math.max(1, count);
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / Math.max(1, count);
  const deviation = Math.sqrt(variance);
  const best = scores.reduce((max, score) => Math.max(max, score), Number.NEGATIVE_INFINITY);
  // a prior is never -0
  return scores.map((score) => (deviation > 1e-9 && score < best ? -strength * ((best - score) / deviation) : 0));
}

export interface Scored<Chunk> {
  readonly chunk: Chunk;
  /** Higher is more relevant. */
  readonly score: number;
}

/** As many chunks as fit, the most relevant first; where all fit, all in their order. */
export function mostRelevant<Chunk extends { readonly tokens: number }>(
  chunks: readonly Scored<Chunk>[],
  maxTokens: number,
): readonly Scored<Chunk>[] {
  let left = maxTokens - chunks.reduce((sum, { chunk }) => sum + chunk.tokens, 0);
  if (left >= 0) {
    return chunks;
  }
  const ordered = chunks.toSorted((one, other) => other.score - one.score);
  while (left < 0) {
    left += ordered.pop()?.chunk.tokens ?? -left;
  }
  return ordered;
}
