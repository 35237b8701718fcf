/** Makes the report of `eval cross-file` from the scores of all cases under all conditions. */

import { type DefinitionAt, type Recall, recallOf } from './recall';
import { type Comparison, compareWithNone, type Figures, figures, type Score } from './score';

/** By condition, then by case. */
type Scores = ReadonlyMap<string, ReadonlyMap<number, Score>>;

export interface CrossFileRecord {
  readonly cases: number;
  readonly casesWithDense: number;
  /** Shares of the cases, 0 to 1; `exactDense` of casesWithDense. */
  readonly exactNone: number;
  readonly exactBm25: number;
  readonly exactDense: number;
  readonly exactFasa: number;
  /** Means over the cases of the whole identifier, in nats. */
  readonly nllNone: number;
  readonly nllBm25: number;
  readonly nllDense: number;
  readonly nllFasa: number;
  /** Of all cases. */
  readonly definitionRecall: readonly Recall[];
  readonly conditions: readonly ConditionRecord[];
  readonly languages: readonly { readonly language: string; readonly conditions: readonly ConditionRecord[] }[];
}

interface ConditionRecord extends Figures {
  readonly condition: string;
  /** Against no repository, over the cases that both were measured on; gains as a share of the joint dense prefill's. */
  readonly worse?: number;
  readonly worstLoss?: number;
  /** Over the cases that were measured with a dense prefill, too. */
  readonly casesWithDense?: number;
  readonly gainShare?: number;
  readonly exactGainShare?: number;
}

/** One case as it was measured: runs over other repositories, or other cases, can be joined. */
export interface MeasuredCase {
  readonly repository: string;
  readonly language: string;
  readonly file: string;
  readonly name: string;
  /** UTF-16 units from the start of the file. */
  readonly offset: number;
  readonly definitionAt?: DefinitionAt | undefined;
  readonly scores: Readonly<Record<string, Score>>;
}

/** Cases of all runs; one that several runs measured has the conditions of them all. */
export function joinRuns(runs: readonly (readonly MeasuredCase[])[]): MeasuredCase[] {
  const joined = new Map<string, MeasuredCase>();
  for (const one of runs.flat()) {
    const key = JSON.stringify([one.repository, one.file, one.offset]);
    const before = joined.get(key);
    joined.set(key, { ...before, ...one, scores: { ...before?.scores, ...one.scores } });
  }
  return [...joined.values()];
}

export function recordOf(measured: readonly MeasuredCase[]): CrossFileRecord {
  const scores = new Map<string, Map<number, Score>>();
  for (const [i, one] of measured.entries()) {
    for (const [condition, score] of Object.entries(one.scores)) {
      const own = scores.get(condition) ?? new Map<number, Score>();
      scores.set(condition, own.set(i, score));
    }
  }
  return record(scores, measured);
}

/** @param cases that the scores are of */
function record(scores: Scores, cases: readonly MeasuredCase[]): CrossFileRecord {
  const languages = cases.map(({ language }) => language);
  const all = languages.map((_, i) => i);
  const conditions = conditionRecords(scores, all);
  const of = (name: string) => conditions.find(({ condition }) => condition === name);
  const [none, bm25, dense, fasa] = ['none', 'bm25', 'dense', 'fasa'].map(of);
  return {
    cases: Math.max(0, ...conditions.map(({ cases }) => cases)),
    casesWithDense: dense?.cases ?? 0,
    exactNone: none?.exact ?? Number.NaN,
    exactBm25: bm25?.exact ?? Number.NaN,
    exactDense: dense?.exact ?? Number.NaN,
    exactFasa: fasa?.exact ?? Number.NaN,
    nllNone: none?.nll ?? Number.NaN,
    nllBm25: bm25?.nll ?? Number.NaN,
    nllDense: dense?.nll ?? Number.NaN,
    nllFasa: fasa?.nll ?? Number.NaN,
    definitionRecall: recallOf(cases.map((one) => one.definitionAt)),
    conditions,
    languages: [...new Set(languages)].map((language) => ({
      language,
      conditions: conditionRecords(
        scores,
        all.filter((i) => languages[i] === language),
      ),
    })),
  };
}

function conditionRecords(scores: Scores, cases: readonly number[]): ConditionRecord[] {
  const none = scores.get('none');
  const dense = scores.get('dense');
  const records: ConditionRecord[] = [];
  for (const [condition, own] of scores) {
    const measured = cases.filter((i) => own.has(i));
    if (measured.length === 0) {
      continue;
    }
    records.push({
      condition,
      ...figures(pick(own, measured)),
      ...(none === undefined || own === none ? {} : againstNone(none, own, dense, measured)),
    });
  }
  return records;
}

function againstNone(
  none: ReadonlyMap<number, Score>,
  own: ReadonlyMap<number, Score>,
  dense: ReadonlyMap<number, Score> | undefined,
  cases: readonly number[],
): Partial<Comparison> & { readonly casesWithDense?: number } {
  const both = cases.filter((i) => none.has(i));
  const { worse, worstLoss } = compareWithNone(pick(none, both), pick(own, both), pick(own, both));
  const three = both.filter((i) => dense?.has(i) === true);
  if (dense === undefined || three.length === 0) {
    return { worse, worstLoss };
  }
  const shares = compareWithNone(pick(none, three), pick(own, three), pick(dense, three));
  const { gainShare, exactGainShare } = shares;
  return { worse, worstLoss, casesWithDense: three.length, gainShare, exactGainShare };
}

function pick(scores: ReadonlyMap<number, Score>, cases: readonly number[]): Score[] {
  return cases.flatMap((i) => scores.get(i) ?? []);
}
