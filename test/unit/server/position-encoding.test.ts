import { describe, expect, test } from 'vitest';
import { choosePositionEncoding, fromUtf16, toUtf16 } from '../../../language-server/lsp/position-encoding';

describe('the encoding', () => {
  test.each([
    [undefined, 'utf-16'],
    [[], 'utf-16'],
    ['utf-8', 'utf-16'],
    [['utf-8', 'utf-16'], 'utf-8'],
    [['utf-16', 'utf-8'], 'utf-16'],
    [['utf-7', 'utf-32'], 'utf-32'],
    [[7], 'utf-16'],
  ])('of a client that offers %j is %s', (offered, chosen) => {
    expect(choosePositionEncoding(offered)).toBe(chosen);
  });
});

describe('a column', () => {
  const line = 'aé∀😀b';
  test.each([
    ['utf-8', [0, 1, 3, 6, 10, 11]],
    ['utf-16', [0, 1, 2, 3, 5, 6]],
    ['utf-32', [0, 1, 2, 3, 4, 5]],
  ] as const)('in %s goes there and back', (encoding, columns) => {
    const units = [0, 1, 2, 3, 5, 6];
    expect(columns.map((column) => toUtf16(line, column, encoding))).toEqual(units);
    expect(units.map((unit) => fromUtf16(line, unit, encoding))).toEqual(columns);
  });

  test('behind the end stays behind it, and one inside a character is its start', () => {
    expect(toUtf16(line, 15, 'utf-8')).toBe(10);
    expect(fromUtf16(line, 10, 'utf-8')).toBe(15);
    expect([7, 8, 9].map((column) => toUtf16(line, column, 'utf-8'))).toEqual([3, 3, 3]);
  });
});
