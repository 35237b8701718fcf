import { describe, expect, test } from 'vitest';
import { type AttendedText, citationsOf, defaultCitationRules } from '../../../language-server/chat/citations';

/** Texts of 8 blocks, two lines a block. */
function texts(...all: readonly (readonly number[])[]): AttendedText[] {
  return all.map((shares, index) => text(`file:///${index}.ts`, shares));
}

function text(uri: string, shares: readonly number[], firstLine = 0): AttendedText {
  const lastLine = firstLine + shares.length * 2 - 1;
  const blockLines = Uint32Array.from(shares, (_, block) => firstLine + block * 2);
  return { shares: Float32Array.from(shares), place: { uri, firstLine, lastLine, blockLines } };
}

const short = (found: ReturnType<typeof citationsOf>) =>
  found.map(({ uri, range, share }) => `${uri.slice(8)}:${range.start.line}-${range.end.line} ${share.toFixed(2)}`);

const low = 0.01;

describe('citations', () => {
  test('are the lines that stand out, the largest share first', () => {
    const looked = texts(
      [low, low, low, low, low, 0.2, low, low],
      [low, low, 0.1, low, low, low, low, low],
      [low, low, low, low, low, low, low, low],
    );
    expect(short(citationsOf(looked))).toEqual(['0.ts:10-12 0.20', '1.ts:4-6 0.10']);
  });

  test('join neighbouring blocks, also over a gap of one block', () => {
    const looked = texts([low, 0.2, 0.1, low, 0.1, low, low, 0.1], Array(40).fill(low) as number[]);
    expect(short(citationsOf(looked))).toEqual(['0.ts:2-10 0.41', '0.ts:14-16 0.10']);
  });

  test('ignore the first block of a chunk, which attracts attention whatever it says', () => {
    const looked = texts([0.3, low, low, low, low, low, low, low], [0.3, low, 0.15, low, low, low, low, low]);
    expect(short(citationsOf(looked))[0]).toBe('1.ts:0-6 0.46');
    const plain = { ...defaultCitationRules, capFirstBlock: false };
    expect(short(citationsOf(looked, plain))).toHaveLength(2);
  });

  test('are at most five, and none without attention or without a place', () => {
    const many = texts(...Array.from({ length: 9 }, () => [low, low, low, 0.1, low, low, low, low]));
    expect(citationsOf(many)).toHaveLength(5);
    expect(citationsOf(texts([0, 0], [0]))).toEqual([]);
    expect(citationsOf(many.map(({ shares }) => ({ shares, place: undefined })))).toEqual([]);
    expect(citationsOf([])).toEqual([]);
  });

  test('of two adjacent texts of one file are joined', () => {
    const found = citationsOf([
      text('file:///a.ts', [low, low, 0.2]),
      text('file:///a.ts', [low, 0.2, low, low, low, low, low, low, low, low, low], 4),
    ]);
    expect(short(found)).toEqual(['a.ts:4-8 0.40']);
  });

  test('of a text in the prompt, which gets more attention as a whole, are the blocks that stand out from it', () => {
    const near = [0.05, 0.05, 0.05, 0.2, 0.05, 0.05, 0.05, 0.05];
    const [prompt, ...others] = texts(
      near,
      [low, 0.09, low, low, low, low, low, low],
      Array(40).fill(0.002) as number[],
    );
    const looked = [...(prompt === undefined ? [] : [{ ...prompt, inPrompt: true }]), ...others];
    expect(short(citationsOf(looked))).toEqual(['0.ts:6-8 0.20', '1.ts:2-4 0.09']);
    // where nothing does, all of it
    const even = texts(Array(8).fill(0.05) as number[], Array(40).fill(0.002) as number[]);
    const found = citationsOf(even.map((one, index) => ({ ...one, inPrompt: index === 0 })));
    expect(short(found)).toEqual(['0.ts:0-16 0.40']);
  });

  test('are ordered by the shares that are shown, whatever score chose them', () => {
    const filler = Array(60).fill(low) as number[];
    // the gap belongs to the citation and adds nothing to its score; neither does the first block beyond the cap
    const looked = texts([0.3, 0.1, 0.04, low, low, low, low, low], [low, low, 0.25, low, low, low, low, low], filler);
    const found = citationsOf(looked);
    expect(short(found)).toEqual(['0.ts:0-6 0.44', '1.ts:4-6 0.25']);
    const one = { ...defaultCitationRules, maxCitations: 1 };
    expect(short(citationsOf(looked, one))).toEqual(['1.ts:4-6 0.25']);
  });
});
