/** The table of languages says each thing once, and what it names exists. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { languageOfFile, languages, languageWithId } from '../../../language-server/base/languages';
import { grammars } from '../../../scripts/bundle.mjs';

const syntax = path.resolve(import.meta.dirname, '..', '..', '..', 'dist', 'syntax');

describe('the table of languages', () => {
  test.each([
    ['id', languages.map(({ id }) => id)],
    ['extension', languages.flatMap(({ extensions }) => extensions)],
    ['file name', languages.flatMap(({ fileNames = [] }) => fileNames)],
  ])('gives each %s to one language, in lower case', (_what, names) => {
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name === '' || name !== name.toLowerCase() || name.startsWith('.'))).toEqual([]);
  });

  test('names the grammars that the bundle copies, and no others', () => {
    const named = new Set(languages.flatMap(({ grammar }) => grammar ?? []));
    expect([...named].sort()).toEqual([...grammars].sort());
    for (const grammar of named) {
      expect(existsSync(path.join(syntax, `tree-sitter-${grammar}.wasm`)), grammar).toBe(true);
    }
  });
});

test.each([
  ['src/a.ts', 'typescript'],
  ['C:\\a\\B.PY', 'python'],
  ['a.d.ts', 'typescript'],
  ['include/a.h', 'cpp'],
  ['Makefile', 'makefile'],
  ['ci/Jenkinsfile', 'groovy'],
  ['py', undefined],
  ['LICENSE', undefined],
  ['.gitignore', undefined],
])('the language of the file %s is %s', (file, id) => {
  expect(languageOfFile(file)?.id).toBe(id);
});

test('a language is found by the id that editors use, and only by that', () => {
  expect(languageWithId('shellscript')?.extensions[0]).toBe('sh');
  expect(languageWithId('sh')).toBeUndefined();
});
