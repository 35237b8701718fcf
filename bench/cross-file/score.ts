/** How a case came out under a condition, and what all of them give together. */

import type { NativeModel } from '../../language-server/engine/native/addon';
import { compareLogits } from '../common/compare-logits';
import { mean } from '../common/statistics';
import type { CasePrompt } from './prompt';

export interface Score {
  /** Greedy decoding gives the name and then ends it. */
  readonly exact: boolean;
  /** NLL of all tokens of the name together, in nats. */
  readonly nameNll: number;
  /** NLL of each token after it in the line. */
  readonly followingNll: readonly number[];
  /** Wall time of prefilling and predicting. */
  readonly seconds?: number;
  /** From the distributions that dense attention to the same chunks gives. */
  readonly distance?: Distance;
}

export interface Distance {
  /** KL(dense || own) at each token of the name and after it, in nats. */
  readonly kl: readonly number[];
  /** How many of these have the same most likely token. */
  readonly agreeing: number;
}

/** @param dense,own logits as of {@link scoreCase} */
export function distance(model: NativeModel, { answer }: CasePrompt, dense: Float32Array, own: Float32Array): Distance {
  const { kl, agreeing } = compareLogits(dense, own, model.info.vocabulary, answer);
  return { kl, agreeing };
}

/**
 * @param logits row i predicts token i of the answer; [answer.length][vocabulary]
 * @throws RangeError for another number of logits
 */
export function scoreCase(model: NativeModel, { answer, nameTokens }: CasePrompt, logits: Float32Array): Score {
  const { vocabulary } = model.info;
  const { nll } = compareLogits(logits, logits, vocabulary, answer);
  const best = (row: number) => bestOf(logits.subarray(row * vocabulary, (row + 1) * vocabulary));
  const right = answer.slice(0, nameTokens).every((token, i) => best(i) === token);
  const ends = nameTokens >= answer.length || !/^\w/.test(textOf(model, best(nameTokens)));
  return {
    exact: right && ends,
    nameNll: nll.slice(0, nameTokens).reduce((sum, value) => sum + value, 0),
    followingNll: nll.slice(nameTokens),
  };
}

function textOf(model: NativeModel, token: number): string {
  return new TextDecoder().decode(model.tokenBytes(token));
}

function bestOf(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) {
    if ((row[i] ?? Number.NaN) > (row[best] ?? Number.NaN)) {
      best = i;
    }
  }
  return best;
}

export interface Figures {
  readonly cases: number;
  /** Share of the cases, 0 to 1. */
  readonly exact: number;
  /** Mean over the cases of the whole name's, in nats. */
  readonly nll: number;
  /** Mean over all tokens that follow a name in its line. */
  readonly followingNll: number;
  /** Mean of a case. */
  readonly seconds?: number;
  /** Mean over the tokens of the cases that were compared with dense attention to the same chunks, in nats. */
  readonly meanKl?: number;
  /** Share of these tokens with the same likeliest one, 0 to 1. */
  readonly agreement?: number;
  readonly tokensCompared?: number;
}

export function figures(scores: readonly Score[]): Figures {
  const compared = scores.flatMap(({ distance: of }) => of ?? []);
  const kl = compared.flatMap((of) => of.kl);
  const agreeing = compared.reduce((sum, of) => sum + of.agreeing, 0);
  const timed = scores.flatMap(({ seconds }) => seconds ?? []);
  return {
    cases: scores.length,
    exact: scores.filter(({ exact }) => exact).length / scores.length,
    nll: mean(scores.map(({ nameNll }) => nameNll)),
    followingNll: mean(scores.flatMap(({ followingNll }) => followingNll)),
    ...(timed.length === 0 ? {} : { seconds: mean(timed) }),
    ...(kl.length === 0 ? {} : { meanKl: mean(kl), agreement: agreeing / kl.length, tokensCompared: kl.length }),
  };
}

export interface Comparison {
  /** Share of the cases whose name became less likely by more than 0.1 nats. */
  readonly worse: number;
  /** The largest loss of one case in nats; negative: all gained. */
  readonly worstLoss: number;
  /** The gain over no repository as a share of the reference's gain, in NLL of the names and in exact names. */
  readonly gainShare: number;
  readonly exactGainShare: number;
}

/** All three of the same cases in the same order. */
export function compareWithNone(
  none: readonly Score[],
  own: readonly Score[],
  reference: readonly Score[],
): Comparison {
  const losses = own.map(({ nameNll }, i) => nameNll - (none[i]?.nameNll ?? Number.NaN));
  const [base, ours, theirs] = [figures(none), figures(own), figures(reference)];
  return {
    worse: losses.filter((loss) => loss > 0.1).length / losses.length,
    worstLoss: losses.reduce((most, loss) => Math.max(most, loss), Number.NEGATIVE_INFINITY),
    gainShare: (base.nll - ours.nll) / (base.nll - theirs.nll),
    exactGainShare: (ours.exact - base.exact) / (theirs.exact - base.exact),
  };
}
