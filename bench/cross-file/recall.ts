/** Whether the chunk that defines a name is among the most relevant ones, by the product's ranking and by plain text search. */

import { type CrossFileCase, hasWord } from './cases';
import type { Place, SearchableChunks } from './chunk-pool';

/** Tokens of chunks, the most relevant first, up to the one with the definition: as a request ranks them, and by BM25 of the tail. */
export interface DefinitionAt {
  readonly ranked: number;
  readonly bm25: number;
}

export interface Recall {
  /** Of the most relevant chunks. */
  readonly tokens: number;
  /** Share of the cases with the definition among them, 0 to 1. */
  readonly ranked: number;
  readonly bm25: number;
}

const depths = [1024, 4096, 16_384];

/** Undefined where no chunk of another file has the definition whole. */
export function definitionAt(one: CrossFileCase & Place, chunks: SearchableChunks): DefinitionAt | undefined {
  const ranked = tokensUntilDefinition(one, chunks, chunks.relevance(one));
  const bm25 = tokensUntilDefinition(one, chunks, chunks.scores(one.prompt.tailText));
  return ranked === undefined || bm25 === undefined ? undefined : { ranked, bm25 };
}

/** @param found one a case */
export function recallOf(found: readonly (DefinitionAt | undefined)[]): Recall[] {
  const share = (name: keyof DefinitionAt, tokens: number) =>
    found.filter((at) => at !== undefined && at[name] <= tokens).length / found.length;
  return depths.map((tokens) => ({ tokens, ranked: share('ranked', tokens), bm25: share('bm25', tokens) }));
}

function tokensUntilDefinition(
  { file, name, definedIn }: CrossFileCase,
  chunks: SearchableChunks,
  scores: readonly number[],
): number | undefined {
  const others = chunks.all
    .map((one, i) => ({ one, score: scores[i] ?? 0 }))
    .filter(({ one }) => one.path !== file.path);
  let tokens = 0;
  for (const { one } of others.toSorted((left, right) => right.score - left.score)) {
    tokens += one.chunk.tokens.length;
    if (definedIn.includes(one.path) && hasWord(one.chunk.text, name)) {
      return tokens;
    }
  }
  return undefined;
}
