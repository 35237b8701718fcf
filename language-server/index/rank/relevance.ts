/**
 * What of a repository is near to the text around a cursor: its terms, weighed by how near their lines are, and the files
 * that the document imports. Both were chosen on the tuning set of docs/repository-evaluation.md.
 */

import { identifierTerms, type TermWeights } from './bm25';

/** Around a cursor. */
export interface TextAround {
  readonly before: string;
  readonly after: string;
  /** The document: what it imports is read from its beginning. */
  readonly document: string;
}

/** What a request is about: a place in a document, or a question. */
export type Topic = TextAround | string;

/** A line so far from the cursor says half as much of what comes next. */
const halfLines = 4;
/** Added to chunks of imported files, of the best chunk's score: a name that is used from elsewhere is imported. */
const importedShare = 0.25;

/** A term of a document weighs as much as in the line nearest to the cursor that has it; all of a question weigh the same. */
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

/** The scores with what imports say. @param imported of the same items */
export function raiseImported(scores: readonly number[], imported: readonly boolean[]): number[] {
  const best = scores.reduce((most, score) => Math.max(most, score), 0);
  // where nothing is alike, imports alone tell
  const raise = importedShare * (best === 0 ? 1 : best);
  return scores.map((score, i) => (imported[i] === true ? score + raise : score));
}

function weigh(text: string, weight: number, weights: Map<string, number>): void {
  for (const term of identifierTerms(text)) {
    weights.set(term, Math.max(weight, weights.get(term) ?? 0));
  }
}
