import { expect, test } from 'vitest';
import { raiseImported, termsOf } from '../../../language-server/index/rank/relevance';

const document = '';

test('a term weighs half as much four lines away, in either direction', () => {
  const terms = termsOf({ before: 'far\n\n\n\nnear', after: ' behind\n\n\n\nbelow', document });
  expect(terms.get('near')).toBe(1);
  expect(terms.get('behind')).toBe(1);
  expect(terms.get('far')).toBeCloseTo(0.5);
  expect(terms.get('below')).toBeCloseTo(0.5);
});

test('a term weighs what its nearest line gives, on whichever side that is', () => {
  const terms = termsOf({ before: 'one two\n\n\n\ntwo', after: '\none', document });
  expect(terms.get('two')).toBe(1);
  expect(terms.get('one')).toBeCloseTo(2 ** -0.25);
});

test('all terms of a question weigh the same', () => {
  expect([...termsOf('first line\n\n\nsecond line')]).toEqual([
    ['first', 1],
    ['line', 1],
    ['second', 1],
  ]);
});

test('what is imported is raised by a share of the best; where nothing is alike, imports alone tell', () => {
  expect(raiseImported([4, 1, 0], [false, false, true])).toEqual([4, 1, 1]);
  expect(raiseImported([0, 0], [true, false])).toEqual([0.25, 0]);
  expect(raiseImported([], [])).toEqual([]);
});
