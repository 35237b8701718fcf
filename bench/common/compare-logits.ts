/** How close the next-token distributions of two runs over the same tokens are. */

export interface Comparison {
  /** KL(softmax(reference) || softmax(other)) of each position, in nats. */
  readonly kl: readonly number[];
  /** Positions with the same most likely token. */
  readonly agreeing: number;
  /** Negative log likelihood of the token that came next, of each position, in nats. */
  readonly referenceNll: readonly number[];
  readonly nll: readonly number[];
}

/**
 * @param reference,other logits, row major [targets.length][vocabulary]
 * @param targets the token that came next at each position
 */
export function compareLogits(
  reference: Float32Array,
  other: Float32Array,
  vocabulary: number,
  targets: Int32Array,
): Comparison {
  if (reference.length !== targets.length * vocabulary || other.length !== reference.length) {
    throw new RangeError(`${reference.length} and ${other.length} logits are not ${targets.length} rows`);
  }
  const kl: number[] = [];
  const referenceNll: number[] = [];
  const nll: number[] = [];
  let agreeing = 0;
  targets.forEach((target, i) => {
    const expected = reference.subarray(i * vocabulary, (i + 1) * vocabulary);
    const actual = other.subarray(i * vocabulary, (i + 1) * vocabulary);
    const [p, q] = [normalizer(expected), normalizer(actual)];
    let sum = 0;
    for (let token = 0; token < vocabulary; token++) {
      const logP = (expected[token] ?? Number.NaN) - p.logSum;
      sum += Math.exp(logP) * (logP - (actual[token] ?? Number.NaN) + q.logSum);
    }
    kl.push(Math.max(0, sum));
    agreeing += p.best === q.best ? 1 : 0;
    referenceNll.push(p.logSum - (expected[target] ?? Number.NaN));
    nll.push(q.logSum - (actual[target] ?? Number.NaN));
  });
  return { kl, agreeing, referenceNll, nll };
}

/** The most likely token of a row. */
export function bestToken(logits: Float32Array): number {
  return normalizer(logits).best;
}

function normalizer(logits: Float32Array): { readonly best: number; readonly logSum: number } {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if ((logits[token] ?? Number.NaN) > (logits[best] ?? Number.NaN)) {
      best = token;
    }
  }
  const max = logits[best] ?? Number.NaN;
  let sum = 0;
  for (const value of logits) {
    sum += Math.exp(value - max);
  }
  return { best, logSum: max + Math.log(sum) };
}
