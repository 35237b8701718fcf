/** Options of `eval cross-file`. Lists give every combination as a variant of FASA over chunks; the first is the record's. */

import { type CrossFileValues, usageError } from '../../language-server/cli/arguments';
import { type CalibrationFile, defaultComposition } from '../../language-server/engine/calibration/calibration';
import type { StoreOptions } from '../../language-server/engine/engine';

const conditionNames = [
  /** The tail only. */
  'none',
  /** The best snippets by BM25, 1,024 tokens of them, in front of the tail. */
  'bm25',
  /** The same, with the snippets that come first in the ranking of requests. */
  'snippets',
  /** As many of the most relevant chunks as the trained window holds, in front of the tail, in one dense prefill. */
  'dense',
  /** The chunks that `fasa` retrieves, by dense attention. */
  'chunks-dense',
  /** The chunks that a request retrieves, read by FASA. */
  'fasa',
  /** All chunks of the repository, read by FASA. */
  'fasa-all',
  /** Those retrieved from the repository and of three times as many tokens of other repositories, read by FASA. */
  'fasa-unrelated',
] as const;

export type ConditionName = (typeof conditionNames)[number];

/** How chunks are combined with the tail. */
export interface Variant {
  /** Tokens of the tail that see the chunks. */
  readonly late: number;
  /** Subtracted from predicted logits per standard deviation that a chunk's score is below the best one's. */
  readonly prior: number;
  /** This times ln(chunks) is added to the logits of chunk tokens. */
  readonly bias: number;
  readonly budget: number;
  /** Tokens of the retrieved chunks, the most relevant ones; 0: all. */
  readonly retrieved: number;
}

export interface CrossFileOptions {
  readonly conditions: readonly ConditionName[];
  /** Cases of each repository. */
  readonly cases: number;
  /** How many of these the dense conditions are measured on. */
  readonly denseCases: number;
  readonly tailTokens: number;
  readonly variants: readonly [Variant, ...Variant[]];
  readonly rows: StoreOptions['rowType'];
}

/**
 * @param composition of the model's calibration; what it leaves out has the product's default
 * @throws EngineError USAGE
 */
export function parseCrossFile(
  values: CrossFileValues,
  defaultBudget: number,
  rows: StoreOptions['rowType'],
  composition: CalibrationFile['composition'] | undefined,
): CrossFileOptions {
  const { lateTokens, bias, priorStrength, mostTokens } = { ...defaultComposition, ...composition };
  const lates = numbers('late', values.late ?? String(lateTokens), 0);
  const priors = numbers('prior', values.prior ?? String(priorStrength), 0);
  const biases = numbers('bias', values.bias ?? String(bias), Number.NEGATIVE_INFINITY);
  const budgets = numbers('budgets', values.budgets ?? String(defaultBudget), 1);
  const retrievedSizes = numbers(
    'retrieved-tokens',
    values['retrieved-tokens'] ?? values['in-play'] ?? String(mostTokens),
    0,
  );
  const [first, ...others] = lates.flatMap((late) =>
    priors.flatMap((prior) =>
      biases.flatMap((bias) =>
        budgets.flatMap((budget) =>
          retrievedSizes.map((retrieved): Variant => ({ late, prior, bias, budget, retrieved })),
        ),
      ),
    ),
  );
  if (first === undefined) {
    throw usageError('--late, --prior, --bias, --budgets and --retrieved-tokens need a value each.');
  }
  return {
    conditions: words('conditions', values.conditions ?? conditionNames.join(','), conditionNames),
    cases: whole('cases', values.cases ?? '50'),
    denseCases: whole('dense-cases', values['dense-cases'] ?? '10'),
    tailTokens: whole('tail', values.tail ?? '512'),
    variants: [first, ...others],
    rows,
  };
}

function numbers(name: string, value: string, min: number): number[] {
  return value.split(',').map((part) => {
    const number = Number(part);
    if (part.trim() === '' || !Number.isFinite(number) || number < min) {
      throw usageError(`--${name} must be numbers with commas between them, not "${value}".`);
    }
    return number;
  });
}

function whole(name: string, value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < 1 || number > 1_000_000) {
    throw usageError(`--${name} must be a whole number of at least 1, not "${value}".`);
  }
  return number;
}

function words<T extends string>(name: string, value: string, allowed: readonly T[]): T[] {
  const chosen = value.split(',');
  const wrong = chosen.find((word) => !allowed.some((one) => one === word));
  if (wrong !== undefined) {
    throw usageError(`--${name} must be of ${allowed.join(', ')}, not "${wrong}".`);
  }
  return allowed.filter((word) => chosen.includes(word));
}
