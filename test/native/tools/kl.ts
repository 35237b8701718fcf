/** How close two sets of logits are: the figures that every fidelity test of the native ring speaks in. */

export interface LogitComparison {
  readonly positions: number;
  /** Of softmax(reference) || softmax(ours), in nats, per position. */
  readonly maxKl: number;
  readonly meanKl: number;
  readonly p99Kl: number;
  /** Share of positions with the same most likely token. */
  readonly agreement: number;
  /** Where the most likely token differs: how far the reference prefers its own over ours. */
  readonly disagreements: readonly { readonly position: number; readonly margin: number }[];
  readonly maxLogitDifference: number;
}

function largest(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) {
    if ((row[i] ?? Number.NaN) > (row[best] ?? Number.NaN)) {
      best = i;
    }
  }
  return best;
}

/** ln of the sum of exponentials, in double precision. */
function logSum(row: Float32Array): number {
  const most = row[largest(row)] ?? Number.NaN;
  let sum = 0;
  for (const value of row) {
    sum += Math.exp(value - most);
  }
  return most + Math.log(sum);
}

/** KL(softmax(reference) || softmax(ours)) of one position; NaN when either holds one. */
function divergence(reference: Float32Array, ours: Float32Array): number {
  const referenceSum = logSum(reference);
  const ourSum = logSum(ours);
  let kl = 0;
  for (let i = 0; i < reference.length; i++) {
    const logP = (reference[i] ?? Number.NaN) - referenceSum;
    const logQ = (ours[i] ?? Number.NaN) - ourSum;
    kl += Math.exp(logP) * (logP - logQ);
  }
  return kl;
}

/** @param vocabulary logits of a row. Both hold whole rows, the same number of them. */
export function compareLogits(reference: Float32Array, ours: Float32Array, vocabulary: number): LogitComparison {
  const positions = reference.length / vocabulary;
  if (!Number.isInteger(positions) || positions === 0 || ours.length !== reference.length) {
    throw new RangeError(`${reference.length} and ${ours.length} logits are not the same rows of ${vocabulary}`);
  }
  const kls: number[] = [];
  const disagreements: { position: number; margin: number }[] = [];
  let maxLogitDifference = 0;
  for (let position = 0; position < positions; position++) {
    const from = position * vocabulary;
    const expected = reference.subarray(from, from + vocabulary);
    const actual = ours.subarray(from, from + vocabulary);
    kls.push(divergence(expected, actual));
    const [theirBest, ourBest] = [largest(expected), largest(actual)];
    if (theirBest !== ourBest) {
      disagreements.push({ position, margin: (expected[theirBest] ?? Number.NaN) - (expected[ourBest] ?? Number.NaN) });
    }
    for (let i = 0; i < vocabulary; i++) {
      maxLogitDifference = Math.max(maxLogitDifference, Math.abs((expected[i] ?? 0) - (actual[i] ?? Number.NaN)));
    }
  }
  const sorted = kls.toSorted((a, b) => a - b);
  return {
    positions,
    maxKl: Math.max(...kls),
    meanKl: kls.reduce((sum, kl) => sum + kl, 0) / positions,
    p99Kl: sorted[Math.min(positions - 1, Math.floor(0.99 * positions))] ?? Number.NaN,
    agreement: 1 - disagreements.length / positions,
    disagreements,
    maxLogitDifference,
  };
}
