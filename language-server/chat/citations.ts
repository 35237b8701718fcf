/** Turns the attention of the decoded tokens into the lines that an answer cites. */

import type { Citation } from '../protocol/server';

/** A text that the decoded tokens could attend to, as a chunk or in the prompt. */
export interface AttendedText {
  /** The attention mass on each block of its tokens. */
  readonly shares: Float32Array;
  /** Whether the text is in the prompt, and not a retrieved chunk. */
  readonly inPrompt?: boolean;
  /** undefined: the text no longer has a place, so it counts but cannot be cited. */
  readonly place: TextPlace | undefined;
}

/** Where a text is in its document. */
export interface TextPlace {
  readonly uri: string;
  /** 0-based, inclusive. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** The line of the first token of each block. */
  readonly blockLines: Uint32Array;
}

interface CitationRules {
  /** Rank by the share above the baseline of uniform attention, see {@link baselineOf}. */
  readonly subtractUniform: boolean;
  /**
   * Count the first block of a text no higher than its best other block: the first tokens of a text attract attention
   * whatever they say.
   */
  readonly capFirstBlock: boolean;
  /** A block is cited if its share is at least so many times the baseline. */
  readonly minRatio: number;
  readonly maxCitations: number;
}

export const defaultCitationRules: CitationRules = {
  subtractUniform: true,
  capFirstBlock: true,
  minRatio: 2,
  maxCitations: 5,
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
 * The rules choose by a score that is not shown. What they choose is ordered by its share, the largest first, so that the
 * order agrees with the numbers that the user sees.
 */
export function citationsOf(texts: readonly AttendedText[], rules: CitationRules = defaultCitationRules): Citation[] {
  const all = texts.flatMap(({ shares }) => [...shares]);
  const total = all.reduce((sum, share) => sum + share, 0);
  if (!(total > 0)) {
    return [];
  }
  const uniform = total / all.length;
  const runs = texts.flatMap((text) =>
    text.place === undefined ? [] : runsOf(text.shares, text.place, baselineOf(text, uniform, rules), rules),
  );
  const ranked = runs.sort((left, right) => right.score - left.score).slice(0, rules.maxCitations);
  return joinNeighbours(ranked.map(toCitation)).sort((left, right) => right.share - left.share);
}

/**
 * Baseline: the share that each block would get under uniform attention. A text in the prompt is near the answer, and all of
 * it gets more attention; its baseline is uniform attention over its own blocks, if any of them stands out from that.
 */
function baselineOf({ shares, inPrompt }: AttendedText, uniform: number, rules: CitationRules): number {
  const own = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
  const near = inPrompt === true && own > uniform;
  return near && shares.some((share) => share >= rules.minRatio * own) ? own : uniform;
}

/** Runs of neighbouring blocks that stand out; a run may skip one block that does not. */
function runsOf(shares: Float32Array, place: TextPlace, baseline: number, rules: CitationRules): Run[] {
  const runs: Run[] = [];
  let open: Run | undefined;
  for (const [block, share] of shares.entries()) {
    const counted = block === 0 && rules.capFirstBlock ? Math.min(share, highest(shares.subarray(1))) : share;
    if (counted < rules.minRatio * baseline) {
      continue;
    }
    const score = rules.subtractUniform ? counted - baseline : counted;
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
  return shares.reduce((max, share) => Math.max(max, share), 0);
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

/** Joins citations that touch, such as the end of one chunk and the start of the next. */
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
