/** How the retrieved chunks are weighed for one request: which of them, and a prior for the choice of their tokens. */

/**
 * The prior of each score: -strength * z, where z is how many standard deviations (over all chunks) it is below the
 * best. All 0 where no chunk stands out.
 */
export function priorsOf(scores: readonly number[], strength: number): number[] {
  const count = scores.length;
  const mean = scores.reduce((sum, score) => sum + score, 0) / Math.max(1, count);
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / Math.max(1, count);
  const deviation = Math.sqrt(variance);
  const best = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  // never -0
  return scores.map((score) => (deviation > 1e-9 && score < best ? -strength * ((best - score) / deviation) : 0));
}

export interface Scored<Chunk> {
  readonly chunk: Chunk;
  /** Higher is more relevant. */
  readonly score: number;
}

/** As many as fit, the most relevant first; where all fit, all in their order. */
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
