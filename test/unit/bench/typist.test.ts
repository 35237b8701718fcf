import { describe, expect, test } from 'vitest';
import { random, Typist } from '../../../bench/speed/typist';

const text = 'const first = compute(second);\nconst next = first + 1;\n'.repeat(20);

function keysOf(seed: number) {
  const typist = new Typist(seed);
  return [...text].map((char, index) => typist.keysFor(char, text[index - 1] ?? ''));
}

describe('the typist of the benchmark', () => {
  test('is the same person for the same seed, and another for another', () => {
    expect(keysOf(1)).toEqual(keysOf(1));
    expect(keysOf(1)).not.toEqual(keysOf(2));
  });

  test('types the text in the end, slips taken back', () => {
    let typed = '';
    for (const { key } of keysOf(3).flat()) {
      typed = key === 'backspace' ? typed.slice(0, -1) : typed + key;
    }
    expect(typed).toBe(text);
    expect(
      keysOf(3)
        .flat()
        .filter(({ key }) => key === 'backspace').length,
    ).toBeGreaterThan(5);
  });

  test('has the pace of a practised one, and thinks before a line', () => {
    const keys = keysOf(4);
    const gaps = keys.map(([first]) => first?.pauseMs ?? Number.NaN);
    const inLine = gaps.filter((_gap, index) => index > 0 && text[index - 1] !== '\n');
    const sorted = inLine.toSorted((left, right) => left - right);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeGreaterThan(140);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(185);
    const before = gaps.filter((_gap, index) => text[index - 1] === '\n');
    expect(Math.min(...before)).toBeGreaterThan(700);
  });

  test('draws numbers from 0 to below 1, evenly', () => {
    const draw = random(5);
    const numbers = Array.from({ length: 10_000 }, draw);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((sum, one) => sum + one, 0) / numbers.length).toBeCloseTo(0.5, 1);
  });
});
