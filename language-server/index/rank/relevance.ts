/**
 * Which chunks are relevant to the text around a cursor: those that share its terms, weighted by how near their lines are,
 * and those of files that the document imports. Both were chosen on the tuning set of docs/repository-evaluation.md.
 */

import { identifierTerms, type TermWeights } from './bm25';

/** The text around a cursor. */
export interface TextAround {
  readonly before: string;
  readonly after: string;
  /** The whole document: its imports are read from its beginning. */
  readonly document: string;
}

/** What a request is about: a place in a document, or a question. */
export type Topic = TextAround | string;

/** Lines: a term so far from the cursor weighs half. */
const halfLines = 4;
/** Share of the best chunk's score that is added to chunks of imported files: a name from elsewhere is imported. */
const importedShare = 0.25;

/** Weights of terms: in a document, that of the nearest line with the term; in a question, all weigh the same. */
export function termsOf(topic: Topic): TermWeights {
  const weights = new Map<string, number>();
  if (typeof topic === 'string') {
    weigh(topic, 1, weights);
    return weights;
  }
  const lines = [topic.before.split('\n').reverse(), topic.after.split('\n')];
  for (const [distance, line] of lines.flatMap((side) => [...side.entries()])) {
    weigh(line, 2 ** (-distance / halfLines), weights);
  }
  return weights;
}

/** Raises the scores of imported items. @param imported for each item, in the same order */
export function raiseImported(scores: readonly number[], imported: readonly boolean[]): number[] {
  const best = scores.reduce((max, score) => Math.max(max, score), 0);
  // without lexical matches, imports alone decide
  const raise = importedShare * (best === 0 ? 1 : best);
  return scores.map((score, i) => (imported[i] === true ? score + raise : score));
}

function weigh(text: string, weight: number, weights: Map<string, number>): void {
  for (const term of identifierTerms(text)) {
    weights.set(term, Math.max(weight, weights.get(term) ?? 0));
  }
}
