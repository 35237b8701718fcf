import { describe, expect, test } from 'vitest';
import { indentUnit, reindent } from '../../../language-server/completion/prompt/indentation';
import { sensibleEnd } from '../../../language-server/completion/stop/sensible-end';
import { CodeAround } from '../../../language-server/completion/syntax/brackets';

const code = new CodeAround({ before: '', after: '', reachesEnd: true, start: 0 }, '');

describe('a single line that a limit has cut short', () => {
  test.each([
    ['compute(first, sec', 'compute(first'],
    ['compute(first)', 'compute(first)'],
    ['compute(first);', 'compute(first);'],
    ['a + b * ', 'a + b'],
    ['a = "some te', 'a'],
    ['a + "x" + b', 'a + "x"'],
    ['retu', ''],
    ['', ''],
    ['größe', ''],
    ['größe + länge.', 'größe + länge'],
  ])('"%s" ends as "%s"', (text, end) => {
    expect(sensibleEnd(text, 'one', code)).toBe(end);
  });

  test('keeps an apostrophe in a comment, which opens no string', () => {
    expect(sensibleEnd("// it's don", 'one', code)).toBe("// it's");
  });

  test('drops the string that it opens, and keeps the one that the cursor is in', () => {
    const inString = new CodeAround({ before: 'say("', after: '")', reachesEnd: true, start: 0 }, 'python');
    expect(sensibleEnd('hello wor', 'one', inString)).toBe('hello');
    expect(sensibleEnd('hi", "the', 'one', inString)).toBe('hi"');
  });
});

describe('a block that a limit has cut short', () => {
  test.each([
    ['\n  a();\n  b(', '\n  a();'],
    ['a();\n', 'a();'],
    ['\n  compute(fi', '\n  compute'],
  ])('%j ends as %j', (text, end) => {
    expect(sensibleEnd(text, 'block', code)).toBe(end);
  });
});

describe('the indentation unit', () => {
  test.each([
    ['a\n\tb\n\t\tc', '\t'],
    ['a\n  b\n    c\n  d', '  '],
    ['a\n    b\n        c', '    '],
    ['a\nb', undefined],
    ['a\n b', undefined],
  ])('of %j is %j', (text, unit) => {
    expect(indentUnit(text)).toBe(unit);
  });

  test('is converted into another unit, and spaces that are no whole step are kept', () => {
    expect(reindent('        ', '\t', 4)).toBe('\t\t');
    expect(reindent('      ', '\t', 4)).toBe('\t  ');
    expect(reindent('\t\t', '  ', 4)).toBe('    ');
  });
});
