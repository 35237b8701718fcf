/**
 * Which texts share identifiers with a query: BM25 (Robertson and Walker, SIGIR 1994; Robertson and Zaragoza, "The
 * Probabilistic Relevance Framework: BM25 and Beyond", 2009) over whole identifiers and their words, with an inverted
 * index, so that a few thousand texts are scored between two keystrokes. The idf is Lucene's, which is never negative.
 */

const k1 = 1.2;
const b = 0.75;
/** Longer ones are data. */
const maxTermChars = 64;

/** Terms of a query: what each counts for, 1 as in the formula. */
export type TermWeights = ReadonlyMap<string, number>;

interface Document {
  readonly length: number;
  readonly terms: readonly string[];
}

/** The documents that have a term, and how often. */
type Postings<Key> = Map<Key, number>;

export class Bm25Index<Key = string> {
  readonly #documents = new Map<Key, Document>();
  readonly #postings = new Map<string, Postings<Key>>();
  #totalLength = 0;

  get size(): number {
    return this.#documents.size;
  }

  has(key: Key): boolean {
    return this.#documents.has(key);
  }

  /** A key that is there already gets the new text. */
  add(key: Key, text: string): void {
    this.remove(key);
    const counts = new Map<string, number>();
    let length = 0;
    for (const term of identifierTerms(text)) {
      counts.set(term, (counts.get(term) ?? 0) + 1);
      length++;
    }
    for (const [term, count] of counts) {
      const postings = this.#postings.get(term);
      if (postings === undefined) {
        this.#postings.set(term, new Map([[key, count]]));
      } else {
        postings.set(key, count);
      }
    }
    this.#documents.set(key, { length, terms: [...counts.keys()] });
    this.#totalLength += length;
  }

  remove(key: Key): void {
    const document = this.#documents.get(key);
    if (document === undefined) {
      return;
    }
    for (const term of document.terms) {
      const postings = this.#postings.get(term);
      postings?.delete(key);
      if (postings?.size === 0) {
        this.#postings.delete(term);
      }
    }
    this.#documents.delete(key);
    this.#totalLength -= document.length;
  }

  clear(): void {
    this.#documents.clear();
    this.#postings.clear();
    this.#totalLength = 0;
  }

  /** Documents that share no term are not among the results. */
  scores(query: TermWeights): ReadonlyMap<Key, number> {
    const scores = new Map<Key, number>();
    const count = this.#documents.size;
    const meanLength = Math.max(1, this.#totalLength / Math.max(1, count));
    for (const [term, ofTerm] of query) {
      const postings = this.#postings.get(term);
      if (postings === undefined) {
        continue;
      }
      const idf = Math.log(1 + (count - postings.size + 0.5) / (postings.size + 0.5));
      for (const [key, frequency] of postings) {
        const length = this.#documents.get(key)?.length ?? meanLength;
        const weight = (frequency * (k1 + 1)) / (frequency + k1 * (1 - b + (b * length) / meanLength));
        scores.set(key, (scores.get(key) ?? 0) + ofTerm * idf * weight);
      }
    }
    return scores;
  }
}

/** `parseJsonFile` gives parsejsonfile, parse, json and file; so do `parse_json_file` and `PARSE_JSON_FILE`. */
export function* identifierTerms(text: string): Generator<string> {
  for (const [identifier] of text.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*/gu)) {
    if (identifier.length > maxTermChars) {
      continue;
    }
    const words = identifier.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{Lt}]+|\p{N}+/gu) ?? [];
    const whole = words.join('').toLowerCase();
    if (whole.length > 1) {
      yield whole;
    }
    if (words.length > 1) {
      for (const word of words) {
        if (word.length > 1) {
          yield word.toLowerCase();
        }
      }
    }
  }
}
