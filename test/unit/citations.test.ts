import { describe, expect, test } from 'vitest';
import { citationsOf, defaultCitationRules } from '../../language-server/chat/citations';
import type { ChunkAttention, EncodedChunk } from '../../language-server/engine/engine';

/** Chunks of 8 blocks, two lines a block. */
function attention(...all: readonly (readonly number[])[]) {
  const chunks = all.map((shares, index): ChunkAttention => {
    const chunk: EncodedChunk = {
      address: `file:///${index}.ts`,
      tokens: shares.length * 16,
      fastBytes: 0,
      slowBytes: 0,
      dispose: () => undefined,
    };
    return { chunk, shares: Float32Array.from(shares) };
  });
  const placeOf = ({ chunk, shares }: ChunkAttention) => ({
    uri: chunk.address,
    firstLine: 0,
    lastLine: shares.length * 2 - 1,
    blockLines: Uint32Array.from(shares, (_, block) => block * 2),
  });
  return { chunks, placeOf };
}

const short = (found: ReturnType<typeof citationsOf>) =>
  found.map(({ uri, range, share }) => `${uri.slice(8)}:${range.start.line}-${range.end.line} ${share.toFixed(2)}`);

const low = 0.01;

describe('citations', () => {
  test('are the lines that stand out, best first, with the share that was counted', () => {
    const { chunks, placeOf } = attention(
      [low, low, low, low, low, 0.2, low, low],
      [low, low, 0.1, low, low, low, low, low],
      [low, low, low, low, low, low, low, low],
    );
    expect(short(citationsOf(chunks, placeOf))).toEqual(['0.ts:10-12 0.20', '1.ts:4-6 0.10']);
  });

  test('are merged over neighbours, and over a gap of one', () => {
    const { chunks, placeOf } = attention([low, 0.2, 0.1, low, 0.1, low, low, 0.1], Array(40).fill(low) as number[]);
    expect(short(citationsOf(chunks, placeOf))).toEqual(['0.ts:2-10 0.41', '0.ts:14-16 0.10']);
  });

  test('do not follow the first tokens of a chunk, which draw attention as such', () => {
    const { chunks, placeOf } = attention(
      [0.3, low, low, low, low, low, low, low],
      [0.3, low, 0.15, low, low, low, low, low],
    );
    expect(short(citationsOf(chunks, placeOf))[0]).toBe('1.ts:0-6 0.46');
    const plain = { ...defaultCitationRules, capFirstBlock: false };
    expect(short(citationsOf(chunks, placeOf, plain))).toHaveLength(2);
  });

  test('are at most five, none without attention, none of a place that is gone', () => {
    const many = attention(...Array.from({ length: 9 }, () => [low, low, low, 0.1, low, low, low, low]));
    expect(citationsOf(many.chunks, many.placeOf)).toHaveLength(5);
    const none = attention([0, 0], [0]);
    expect(citationsOf(none.chunks, none.placeOf)).toEqual([]);
    expect(citationsOf(many.chunks, () => undefined)).toEqual([]);
    expect(citationsOf([], many.placeOf)).toEqual([]);
  });

  test('of two chunks of one file that meet are one', () => {
    const { chunks } = attention([low, low, 0.2], [low, 0.2, low, low, low, low, low, low, low, low, low]);
    const found = citationsOf(chunks, ({ shares }) => {
      const base = shares.length === 3 ? 0 : 4;
      const blockLines = Uint32Array.from(shares, (_, block) => base + block * 2);
      return { uri: 'file:///a.ts', firstLine: base, lastLine: base + shares.length * 2 - 1, blockLines };
    });
    expect(short(found)).toEqual(['a.ts:4-8 0.40']);
  });
});
