import { expect, test } from 'vitest';
import { Bm25Index, identifierTerms } from '../../../language-server/index/rank/bm25';
import { termsOf } from '../../../language-server/index/rank/relevance';

test.each([
  ['parseJsonFile(x)', ['parsejsonfile', 'parse', 'json', 'file']],
  ['PARSE_JSON_FILE', ['parsejsonfile', 'parse', 'json', 'file']],
  ['HTTPServer2', ['httpserver2', 'http', 'server']],
  ['größe = Δx', ['größe', 'δx']],
  ['42 + "a"', []],
  ['', []],
])('the terms of %s', (text, terms) => {
  expect([...identifierTerms(text)]).toEqual(terms);
});

test('the scores are those of the formula', () => {
  const index = new Bm25Index();
  index.add('a', 'alpha beta beta');
  index.add('b', 'alpha gamma');
  index.add('c', 'delta');
  const scores = index.scores(termsOf('beta alpha alpha'));
  const weight = (count: number, length: number) => (count * 2.2) / (count + 1.2 * (0.25 + (0.75 * length) / 2));
  const idf = (having: number) => Math.log(1 + (3 - having + 0.5) / (having + 0.5));
  expect(scores.get('a')).toBeCloseTo(idf(1) * weight(2, 3) + idf(2) * weight(1, 3), 10);
  expect(scores.get('b')).toBeCloseTo(idf(2) * weight(1, 2), 10);
  expect(scores.has('c')).toBe(false);
});

test('removed and replaced texts leave nothing behind', () => {
  const index = new Bm25Index<number>();
  index.add(1, 'alpha beta');
  const before = index.scores(termsOf('alpha')).get(1);
  index.add(2, 'alpha gamma');
  index.add(2, 'gamma');
  expect(index.scores(termsOf('alpha')).has(2)).toBe(false);
  index.remove(2);
  index.remove(3);
  expect(index.size).toBe(1);
  expect(index.scores(termsOf('gamma')).size).toBe(0);
  expect(index.scores(termsOf('alpha')).get(1)).toBe(before);
  index.clear();
  expect(index.scores(termsOf('alpha')).size).toBe(0);
});

test('names of objects are names like others', () => {
  const index = new Bm25Index();
  index.add('a', 'constructor toString __proto__');
  expect(index.scores(termsOf('constructor')).get('a')).toBeGreaterThan(0);
  expect(index.scores(termsOf('hasOwnProperty')).size).toBe(0);
});

test('thousands of chunks are scored between two keystrokes', () => {
  const index = new Bm25Index<number>();
  const word = (seed: number) => `name${(seed * 7919) % 5003}`;
  for (let document = 0; document < 4000; document++) {
    const words = Array.from({ length: 200 }, (_, at) => word(document * 31 + at * at));
    index.add(document, `${words.join(' ')} const return export`);
  }
  const query = `const return ${Array.from({ length: 200 }, (_, at) => word(at * 17)).join(' ')}`;
  index.scores(termsOf(query));
  const started = performance.now();
  const scores = index.scores(termsOf(query));
  expect(scores.size).toBe(4000);
  // some 8 ms alone on the machine; tests share it
  expect(performance.now() - started).toBeLessThan(10_000);
});
