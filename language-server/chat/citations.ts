/** From what the decoded tokens looked at to the lines that an answer cites. */

import type { Citation } from '../protocol/server';

/** A text that was read, as a chunk or in the prompt. */
export interface AttendedText {
  /** The attention on each block of its tokens. */
  readonly shares: Float32Array;
  /** It stands in the prompt. */
  readonly inPrompt?: boolean;
  /** undefined: it counts and is not cited, its place is gone. */
  readonly place: TextPlace | undefined;
}

/** Where a text stands in a document. */
export interface TextPlace {
  readonly uri: string;
  /** 0-based, inclusive. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** The line of the first token of each block. */
  readonly blockLines: Uint32Array;
}

interface CitationRules {
  /** What each block would have if all were looked at alike, see {@link usualShare}, is taken off for the ranking. */
  readonly subtractUniform: boolean;
  /**
   * The first block of a text counts no more than its best other one: the first tokens of any text draw attention as
   * such, whatever they say.
   */
  readonly capFirstBlock: boolean;
  /** A block belongs to a citation from so many times that share on. */
  readonly minRatio: number;
  readonly most: number;
}

export const defaultCitationRules: CitationRules = {
  subtractUniform: true,
  capFirstBlock: true,
  minRatio: 2,
  most: 5,
};

interface Run {
  readonly place: TextPlace;
  readonly from: number;
  /** Inclusive. */
  to: number;
  share: number;
  score: number;
}

/**
 * The rules choose, by a score that is not shown; what they chose is ordered by its share as it was counted, the largest
 * first, so that the order is the one of the figures that a person sees.
 */
export function citationsOf(texts: readonly AttendedText[], rules: CitationRules = defaultCitationRules): Citation[] {
  const all = texts.flatMap(({ shares }) => [...shares]);
  const total = all.reduce((sum, share) => sum + share, 0);
  if (!(total > 0)) {
    return [];
  }
  const uniform = total / all.length;
  const runs = texts.flatMap((text) =>
    text.place === undefined ? [] : runsOf(text.shares, text.place, usualShare(text, uniform, rules), rules),
  );
  const ranked = runs.sort((left, right) => right.score - left.score).slice(0, rules.most);
  return joinNeighbours(ranked.map(toCitation)).sort((left, right) => right.share - left.share);
}

/**
 * What a block has that nothing is said by: what all blocks would have alike. A text in the prompt is near to the answer and
 * all of it is looked at more; there it is what its own blocks would have alike, where any of them stands out of those.
 */
function usualShare({ shares, inPrompt }: AttendedText, uniform: number, rules: CitationRules): number {
  const own = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
  const near = inPrompt === true && own > uniform;
  return near && shares.some((share) => share >= rules.minRatio * own) ? own : uniform;
}

/** Neighbouring blocks that stand out; one that does not, between two that do, belongs to them. */
function runsOf(shares: Float32Array, place: TextPlace, usual: number, rules: CitationRules): Run[] {
  const runs: Run[] = [];
  let open: Run | undefined;
  for (const [block, share] of shares.entries()) {
    const counted = block === 0 && rules.capFirstBlock ? Math.min(share, highest(shares.subarray(1))) : share;
    if (counted < rules.minRatio * usual) {
      continue;
    }
    const score = rules.subtractUniform ? counted - usual : counted;
    if (open !== undefined && block - open.to <= 2) {
      open.share += share + (block - open.to === 2 ? (shares[block - 1] ?? 0) : 0);
      open.score += score;
      open.to = block;
    } else {
      open = { place, from: block, to: block, share, score };
      runs.push(open);
    }
  }
  return runs;
}

function highest(shares: Float32Array): number {
  return shares.reduce((most, share) => Math.max(most, share), 0);
}

function toCitation({ place, from, to, share }: Run): Citation {
  const first = place.blockLines[from] ?? place.firstLine;
  const next = place.blockLines[to + 1];
  const last = Math.max(first, next === undefined ? place.lastLine : next - 1);
  return lines(place.uri, first, last, share);
}

/** @param last inclusive */
function lines(uri: string, first: number, last: number, share: number): Citation {
  return { uri, range: { start: { line: first, character: 0 }, end: { line: last + 1, character: 0 } }, share };
}

/** The end of one chunk and the start of the next are one place. */
function joinNeighbours(citations: readonly Citation[]): Citation[] {
  const joined: Citation[] = [];
  for (const citation of citations) {
    const { start, end } = citation.range;
    const at = joined.findIndex(
      ({ uri, range }) => uri === citation.uri && start.line <= range.end.line && range.start.line <= end.line,
    );
    const other = joined[at];
    if (other === undefined) {
      joined.push(citation);
    } else {
      const first = Math.min(start.line, other.range.start.line);
      const last = Math.max(end.line, other.range.end.line) - 1;
      joined[at] = lines(citation.uri, first, last, other.share + citation.share);
    }
  }
  return joined;
}
