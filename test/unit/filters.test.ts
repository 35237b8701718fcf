import { describe, expect, test } from 'vitest';
import { cursorText } from '../../language-server/completion/cursor';
import { filterCompletion } from '../../language-server/completion/filters';

/** @param document with | for the cursor */
function filtered(document: string, text: string): string {
  const offset = document.indexOf('|');
  const { text: result, replace } = filterCompletion(text, cursorText(document.replace('|', ''), offset, 10_000));
  return replace === 0 ? result : `${result} instead of ${replace}`;
}

describe('the filters', () => {
  test.each([
    ['leave good text as it is', 'a = |', 'b + c;', 'b + c;'],
    ['cut at the text of special tokens', 'a = |', 'b;<|endoftext|>c', 'b;'],
    ['cut at markup of fill-in-the-middle', 'a = |', 'b;<fim_suffix>c', 'b;'],
    ['keep generics and tags', 'a: |', 'Map<string, number> = <s.x>;', 'Map<string, number> = <s.x>;'],
    ['cut where bytes are no text', 'a = |', '"é\ufffd";', '"é'],
    ['drop space at the end', 'a = |', 'b;  \n\n', 'b;'],
    ['drop text of space alone', 'a = |', '  \n  ', ''],
    ['keep one of many repetitions', 'a = |', `${'count, '.repeat(6)}cou`, 'count'],
    ['keep short repetitions', 'a = |', '[0, 0, 0, 0];', '[0, 0, 0, 0];'],
    ['drop the line of a loop and what follows', 'f {|', '\n  b();\n  sum = sum = sum = sum = sum = 1;\n}', '\n  b();'],
    ['keep lines that are alike', 'f {|', '\n  a(1);\n  a(2);\n  a(3);', '\n  a(1);\n  a(2);\n  a(3);'],
    ['keep rulers', '// |', '--------------------', '--------------------'],
    ['leave out a bracket that is closed already', 'call(|)', 'a, b)', 'a, b'],
    ['leave out more of the line', 'call(|);', 'a, b);', 'a, b'],
    ['keep brackets that the text opened', 'call(|)', 'f(a)', 'f(a)'],
    ['leave out the quote that the editor closed', "s = '|'", "text'", 'text'],
    ['take the place of the bracket', 'return list[|]', 'list.length - 1];', 'list.length - 1]; instead of 1'],
    ['stop where the line closes the bracket itself', 'return list[|], a', 'list.length - 1];', 'list.length - 1'],
    ['take the place of several', 'f(a[|])', 'b[0] + c(1)], d);', 'b[0] + c(1)], d); instead of 2'],
    ['take the place of a quote', "log('|')", "hello');", "hello'); instead of 2"],
    ['stop where the line closes the quote itself', "log('|', a)", "hello');", 'hello'],
    ['keep quotes in pairs', "log('|')", "a' + b + 'c", "a' + b + 'c"],
    ['keep an escaped quote', 'log("|")', 'say \\"hi\\" twice', 'say \\"hi\\" twice'],
    ['keep a bracket that the line closes later', 'call(|, x)', 'f(a)', 'f(a)'],
    ['drop what follows on the line anyway', 'a = |value;', 'value', ''],
    ['drop the line that stands below', '|\nreturn x;', 'return x;', ''],
    ['drop lines at the end that stand below', 'f {|\n  a();\n  b();', '\n  c();\n  a();\n  b();', '\n  c();'],
    ['use the line ends of the document', 'f {|\r\n', '\n  a();\n  b();', '\r\n  a();\r\n  b();'],
  ])('%s', (_name, document, text, result) => {
    expect(filtered(document, text)).toBe(result);
  });

  test('end on long text without breaks', () => {
    // a filter that looks back from every character would run into the test's time limit
    expect(filtered('a = |', 'abcdefghij'.repeat(100_000))).toBe('abcdefghij');
    expect(filtered('a = |', 'x'.repeat(1_000_000))).toMatch(/^x+$/);
  });
});
