import { describe, expect, test } from 'vitest';
import { SuggestionCache } from '../../../language-server/completion/suggestion-cache';

const uri = 'file:///a.ts';
const text = 'let a = ;\nend';

function cacheWith(suggestion: string): SuggestionCache {
  const cache = new SuggestionCache();
  cache.add({ uri, text, offset: 8 }, [{ text: suggestion, replace: 0 }]);
  return cache;
}

describe('the cache of suggestions', () => {
  test('returns the suggestion for the same place', () => {
    expect(cacheWith('value').find({ uri, text, offset: 8 })).toEqual([{ text: 'value', replace: 0 }]);
  });

  test('returns the rest while the user types the suggestion', () => {
    expect(cacheWith('value').find({ uri, text: 'let a = val;\nend', offset: 11 })).toEqual([
      { text: 'ue', replace: 0 },
    ]);
  });

  test('returns the suggestion again after the user deleted other text', () => {
    const cache = cacheWith('value');
    expect(cache.find({ uri, text: 'let a = x;\nend', offset: 9 })).toBeUndefined();
    expect(cache.find({ uri, text, offset: 8 })).toEqual([{ text: 'value', replace: 0 }]);
  });

  test.each([
    ['was accepted whole', uri, 'let a = value;\nend', 13],
    ['has other text before it', uri, 'var a = ;\nend', 8],
    ['has other text after it', uri, 'let a = ;\nEND', 8],
    ['is in another document', 'file:///b.ts', text, 8],
    ['is asked for earlier in the line', uri, text, 7],
  ])('returns nothing when the suggestion %s', (_name, uri_, text_, offset) => {
    expect(cacheWith('value').find({ uri: uri_, text: text_, offset })).toBeUndefined();
  });

  test('returns the rest when the editor closes brackets and quotes that the user types', () => {
    const cache = cacheWith('f(a, "b")');
    const at = (typed: string, closers: string) =>
      cache.find({ uri, text: `let a = ${typed}${closers};\nend`, offset: 8 + typed.length });
    expect(at('f(', ')')).toEqual([{ text: 'a, "b")', replace: 1 }]);
    expect(at('f(a, "', '")')).toEqual([{ text: 'b")', replace: 2 }]);
    expect(at('f(a, "b"', ')')).toEqual([{ text: ')', replace: 1 }]);
    expect(at('f(', ']')).toBeUndefined();
  });

  test('returns the candidates that begin with the typed text', () => {
    const cache = new SuggestionCache();
    const suggestions = ['value', 'vector', 'other'].map((one) => ({ text: one, replace: 0 }));
    cache.add({ uri, text, offset: 8 }, suggestions);
    expect(cache.find({ uri, text: 'let a = ve;\nend', offset: 10 })).toEqual([{ text: 'ctor', replace: 0 }]);
  });

  test('returns an empty suggestion where there was nothing to suggest, and only there', () => {
    expect(cacheWith('').find({ uri, text, offset: 8 })).toEqual([{ text: '', replace: 0 }]);
    expect(cacheWith('').find({ uri, text: 'let a = x;\nend', offset: 9 })).toBeUndefined();
  });

  test('prefers the latest entry, evicts the oldest, and is empty after it was cleared', () => {
    const cache = cacheWith('old');
    cache.add({ uri, text, offset: 8 }, [{ text: 'new', replace: 0 }]);
    expect(cache.find({ uri, text, offset: 8 })).toEqual([{ text: 'new', replace: 0 }]);
    for (let index = 0; index < 50; index++) {
      cache.add({ uri: `file:///${index}`, text, offset: 8 }, [{ text: 'x', replace: 0 }]);
    }
    expect(cache.find({ uri, text, offset: 8 })).toBeUndefined();
    cache.clear();
    expect(cache.find({ uri: 'file:///49', text, offset: 8 })).toBeUndefined();
  });
});
