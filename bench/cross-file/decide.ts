/** How chunks are best read beside a tail, for one model: one parameter after the other, on names that other files define. */

import { fixed } from '../common/table';
import type { Variant } from './options';

interface Candidate {
  readonly variant: Variant;
  /** The NLL of the whole name in nats, for each case in their order. */
  readonly nll: readonly number[];
  /** Mean of the above. */
  readonly mean: number;
  /** How much lower it is than what it was compared with (of retrieved tokens, the best), and the standard error of that. */
  readonly gain: number;
  readonly error: number;
  readonly kept: boolean;
}

/** Decided in this order, each with the best values of those before it. */
export const choices: readonly (readonly [keyof Variant & ('prior' | 'late' | 'bias'), readonly number[]])[] = [
  ['prior', [0, 1, 2, 4]],
  ['late', [16, 64, 256]],
  ['bias', [0, -0.25, 0.1]],
];

/** Tokens of retrieved chunks, the fewest first: a decode step reads the importance keys of them all. */
export const retrievedChoices: readonly number[] = [4096, 8192, 16_384, 32_768];

/**
 * The fewest retrieved tokens that are not worse than the best by more than the standard error over the cases, paired. Then
 * the other parameters, each left only for a value that gains more than that: with few cases most differences are chance.
 * @param score NLL of the name in every case, under each of some variants
 */
export async function decide(
  start: Variant,
  score: (variants: readonly Variant[]) => Promise<readonly (readonly number[])[]>,
): Promise<{ readonly variant: Variant; readonly candidates: readonly Candidate[] }> {
  const fewer = retrievedChoices.filter((retrieved) => start.retrieved === 0 || retrieved < start.retrieved);
  const depths = await measured([start, ...fewer.map((retrieved) => ({ ...start, retrieved }))]);
  const likeliest = lowest(depths);
  if (likeliest === undefined) {
    throw new RangeError('Nothing was scored.');
  }
  const candidates = depths.map((one) => against(likeliest, one));
  const enough = candidates
    .filter(({ gain, error }) => gain >= -error)
    .reduce((least, one) => (retrievedTokens(one) < retrievedTokens(least) ? one : least));
  candidates.splice(candidates.indexOf(enough), 1, { ...enough, kept: true });
  let best = enough;
  for (const [name, values] of choices) {
    const variants = values
      .filter((value) => value !== best.variant[name])
      .map((value) => ({ ...best.variant, [name]: value }));
    const before = best;
    const compared = (await measured(variants)).map((one) => against(before, one));
    const better = lowest(compared.filter(({ gain, error }) => gain > error));
    candidates.push(...compared.map((one) => ({ ...one, kept: one === better })));
    best = better ?? before;
  }
  return { variant: best.variant, candidates };

  async function measured(variants: readonly Variant[]): Promise<Measured[]> {
    const scores = await score(variants);
    return variants.map((variant, i) => ({ variant, nll: scores[i] ?? [], mean: mean(scores[i] ?? []) }));
  }
}

type Measured = Pick<Candidate, 'variant' | 'nll' | 'mean'>;

/** 0 means all. */
function retrievedTokens({ variant: { retrieved } }: Candidate): number {
  return retrieved === 0 ? Number.POSITIVE_INFINITY : retrieved;
}

function lowest<T extends Measured>(all: readonly T[]): T | undefined {
  return all.reduce<T | undefined>(
    (least, one) => (least === undefined || one.mean < least.mean ? one : least),
    undefined,
  );
}

function against(before: Measured, one: Measured): Candidate {
  return { ...one, ...pairedGain(before.nll, one.nll), kept: false };
}

/** Mean of what the second has less, and the standard error of that mean. */
export function pairedGain(
  before: readonly number[],
  after: readonly number[],
): { readonly gain: number; readonly error: number } {
  const gains = before.map((value, i) => value - (after[i] ?? value));
  const gain = mean(gains);
  const variance = gains.reduce((sum, value) => sum + (value - gain) ** 2, 0) / Math.max(1, gains.length - 1);
  return { gain, error: Math.sqrt(variance / Math.max(1, gains.length)) };
}

export function describe({
  variant: { retrieved, prior, late, bias },
  mean: nll,
  gain,
  error,
  kept,
}: Candidate): string {
  const difference = gain === 0 && error === 0 ? '' : `, ${fixed(gain, 3)} ± ${fixed(error, 3)} better`;
  return `${retrieved === 0 ? 'all' : retrieved} retrieved tokens, prior ${prior}, late ${late}, bias ${bias}: NLL of the name ${fixed(nll, 3)}${difference}${kept ? ', kept' : ''}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
