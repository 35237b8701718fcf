/** Names of the options that only `eval cross-file` has. */

export const crossFileOptionNames = {
  conditions: { type: 'string' },
  cases: { type: 'string' },
  join: { type: 'string' },
  'dense-cases': { type: 'string' },
  tail: { type: 'string' },
  late: { type: 'string' },
  prior: { type: 'string' },
  bias: { type: 'string' },
  offsets: { type: 'string' },
  budgets: { type: 'string' },
  'retrieved-tokens': { type: 'string' },
  // the name of the version before
  'in-play': { type: 'string' },
} as const;

export type CrossFileValues = { readonly [name in keyof typeof crossFileOptionNames]?: string | undefined };
