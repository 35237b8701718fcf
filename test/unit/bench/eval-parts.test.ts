/** Parts of `bench repository` and `eval citations` that need no model. */

import { describe, expect, test } from 'vitest';
import { withLineInTheMiddle } from '../../../bench/common/repository-copy';
import { randomNumbers } from '../../../bench/common/statistics';
import { figures, rankOf } from '../../../bench/quality/citations';
import { chooseFacts, linesOf, plantLines } from '../../../bench/quality/citations-facts';
import { chunksOfTokens } from '../../../bench/speed/repository-requests';

describe('planted facts', () => {
  const files = ['a.py', 'b.py', 'c.ts', 'd.go', 'e.rs', 'notes.md'];

  test('are each defined in one file and used in two others, the same for a seed', () => {
    const facts = chooseFacts(files, 50, randomNumbers(3));
    expect(facts).toHaveLength(50);
    expect(new Set(facts.map(({ name }) => name)).size).toBe(50);
    for (const { definedIn, usedIn, value } of facts) {
      expect(new Set([definedIn, ...usedIn]).size).toBe(3);
      expect(value).toMatch(/^\d{5}$/);
      expect([definedIn, ...usedIn]).not.toContain('notes.md');
    }
    // ten definitions in each of the five files
    for (const file of files.slice(0, 5)) {
      expect(facts.filter(({ definedIn }) => definedIn === file)).toHaveLength(10);
    }
    expect(chooseFacts(files, 50, randomNumbers(3))).toEqual(facts);
    expect(chooseFacts(files, 50, randomNumbers(4))).not.toEqual(facts);
    expect(chooseFacts(['a.py', 'b.py'], 5, randomNumbers(1))).toEqual([]);
  });

  test('are lines of the language, between paragraphs', () => {
    const fact = { name: 'A_B_C', value: '12345', definedIn: 'e.rs', usedIn: ['a.py', 'd.go'] };
    expect(Object.fromEntries(linesOf([fact]))).toEqual({
      'e.rs': ['pub const A_B_C: u32 = 12345;'],
      'a.py': ['limits.append(A_B_C)'],
      'd.go': ['limits = append(limits, A_B_C)'],
    });
    expect(plantLines('one\n\ntwo\n\nthree\n\nfour', ['X', 'Y'])).toBe('one\n\nX\n\ntwo\n\nthree\n\nY\n\nfour');
    expect(plantLines('one', ['X'])).toBe('one\n\nX');
  });
});

describe('the rank of a file', () => {
  test('counts each file once, in order', () => {
    expect(rankOf(['a', 'a', 'b', 'a', 'c'], 'c')).toBe(2);
    expect(rankOf(['a'], 'c')).toBe(Number.POSITIVE_INFINITY);
    const rank = (attention: number, bm25: number) => ({ attention, bm25, randomAt3: 0.3, answered: attention === 0 });
    expect(figures([rank(0, 1), rank(2, 3), rank(3, 0), rank(Number.POSITIVE_INFINITY, 0)])).toEqual({
      questions: 4,
      precisionAt1: 0.25,
      precisionAt3: 0.5,
      bm25PrecisionAt1: 0.5,
      bm25PrecisionAt3: 0.75,
      randomPrecisionAt3: 0.3,
      answered: 0.25,
    });
  });
});

describe('bench repository', () => {
  test('edits a file by a line between two paragraphs in its middle', () => {
    expect(withLineInTheMiddle('aaaa\n\nbb\n\ncc\n', '# x')).toBe('aaaa\n\nbb\n# x\n\ncc\n');
    expect(withLineInTheMiddle('no paragraph', '# x')).toBe('no paragraph\n# x\n');
  });

  test('repeats chunks up to the tokens asked for', () => {
    const chunk = (tokens: number) => ({
      chunk: { address: String(tokens), tokens, fastBytes: 0, slowBytes: 0, dispose: () => undefined },
      prior: 0,
    });
    const tokensOf = (most: number) => chunksOfTokens([chunk(100), chunk(50)], most).map((one) => one.chunk.tokens);
    expect(tokensOf(0)).toEqual([]);
    expect(tokensOf(120)).toEqual([100, 50]);
    expect(tokensOf(260)).toEqual([100, 50, 100, 50]);
    expect(chunksOfTokens([], 10)).toEqual([]);
  });
});
