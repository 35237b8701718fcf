import { describe, expect, test } from 'vitest';
import {
  anyString,
  type Check,
  count,
  dictionary,
  fields,
  integer,
  list,
  MessageError,
  numberIn,
  object,
  oneOf,
  optional,
  orNull,
  passes,
  strings,
} from '../../../language-server/protocol/validate';

describe('a check of a single value', () => {
  const refused: readonly (readonly [string, Check<unknown>, unknown, string])[] = [
    ['a number for a string', anyString, 1, 'x must be a string'],
    ['a list with a number for strings', strings, ['a', 1], 'x must be an array of strings'],
    ['a string for strings', strings, 'a', 'x must be an array of strings'],
    ['a number below the range', integer(1, 3), 0, 'x must be a whole number from 1 to 3'],
    ['a number above the range', integer(1, 3), 4, 'x must be a whole number from 1 to 3'],
    ['half a number', integer(1, 3), 1.5, 'x must be a whole number from 1 to 3'],
    ['no number at all', numberIn(-1, 1), Number.NaN, 'x must be a number from -1 to 1'],
    ['an array for an object', fields({}), [], 'x must be an object'],
  ];

  test.each(refused)('refuses %s', (_name, check, value, message) => {
    expect(() => check(value, 'x')).toThrow(new MessageError(message));
    expect(passes(check, value)).toBe(false);
  });

  test('accepts both ends of a range', () => {
    expect([integer(1, 3)(1, 'x'), integer(1, 3)(3, 'x'), numberIn(-1, 1)(-1, 'x')]).toEqual([1, 3, -1]);
  });
});

describe('fields', () => {
  const place = fields({ at: fields({ line: count }), name: optional(anyString) });

  test('passes over fields that the shape does not name, which an object refuses', () => {
    expect(place({ at: { line: 1, column: 2 }, more: true }, 'x')).toEqual({ at: { line: 1 } });
    expect(() => object({ line: count })({ line: 1, column: 2 }, 'x')).toThrow('x must not have the field column');
  });

  test('names a bad field by its path', () => {
    expect(() => place({ at: { line: -1 } }, 'x')).toThrow('x.at.line must be a whole number of at least 0');
    expect(() => list(place)([{ at: { line: 1 } }, {}], 'x')).toThrow('x[1].at must be an object');
  });

  test('does not take what an object inherits', () => {
    expect(() => fields({ toString: anyString })({}, 'x')).toThrow('x.toString must be a string');
  });

  test('takes null for a missing field only where that is allowed', () => {
    expect(fields({ name: orNull(anyString) })({ name: null }, 'x')).toEqual({});
    expect(() => fields({ name: optional(anyString) })({ name: null }, 'x')).toThrow('x.name must be a string');
  });
});

describe('a dictionary', () => {
  const check = dictionary(oneOf('include', 'exclude'), 2);

  test('refuses a bad value and too many when nobody is told', () => {
    expect(() => check({ a: 'include', b: 'x' }, 'x')).toThrow('x.b must be one of include, exclude');
    expect(() => check({ a: 'include', b: 'exclude', c: 'include' }, 'x')).toThrow('x has more than the 2 entries');
  });

  test('leaves out a bad value and those over the limit, and tells of each', () => {
    const left: string[] = [];
    const taken = check({ a: 'x', b: 'exclude', c: 'include', d: 'include' }, 'x', (what) => left.push(what));
    expect([...taken]).toEqual([
      ['b', 'exclude'],
      ['c', 'include'],
    ]);
    expect(left).toEqual([expect.stringContaining('x.a'), expect.stringContaining('more than the 2')]);
  });
});
