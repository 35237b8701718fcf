/** Random numbers of evaluations: the same for a seed on every machine. */

/** Numbers from 0 to 1 (a 32-bit linear congruential generator). */
export function randomNumbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .toSorted((left, right) => left.order - right.order)
    .map(({ value }) => value);
}
