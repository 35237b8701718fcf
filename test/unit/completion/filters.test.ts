import { describe, expect, test } from 'vitest';
import { filterCompletion } from '../../../language-server/completion/postprocess';
import { cursorText } from '../../../language-server/completion/prompt/cursor';

/** @param document with | for the cursor */
function filtered(document: string, text: string, languageId = ''): string {
  const offset = document.indexOf('|');
  const { text: result, replace } = filterCompletion(
    text,
    cursorText(document.replace('|', ''), offset, 10_000),
    languageId,
  );
  return replace === 0 ? result : `${result} instead of ${replace}`;
}

describe('the filters of a completion', () => {
  test.each([
    ['leave good text as it is', 'a = |', 'b + c;', 'b + c;'],
    ['keep what is spelled like a special token', 'a = |', '"<|im_start|>user"', '"<|im_start|>user"'],
    ['keep tags that are spelled like special tokens', '<p>|</p>', '<s>10.00</s> 8.00', '<s>10.00</s> 8.00'],
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

  test.each([
    ['a bracket in a string is no bracket', 'n = text.count(|)', '")")', '")"', 'python'],
    ['a bracket in a string of several', 'print(|)', '"(", ")", sep="")', '"(", ")", sep=""', 'python'],
    ['a format stays whole', 'printf(|);', '"%d\\n", i', '"%d\\n", i', 'cpp'],
    ['a format with a bracket stays whole', 'printf(|);', '"%d)\\n", i);', '"%d)\\n", i', 'cpp'],
    ['an escaped quote ends no string', 'log("|")', 'say \\"hi\\" (twice', 'say \\"hi\\" (twice', 'go'],
    ['a quote in another kind of quotes', 's = "|"', "it's", "it's", 'python'],
    ['a closing bracket as a character', 'if (c == |) {', "')'", "')'", 'cpp'],
    ['a bracket in a comment', 'f(|)', 'a /* ) */, b)', 'a /* ) */, b', 'typescript'],
    ['a bracket in an expression', 'f(|)', '/[)]/, b)', '/[)]/, b', 'javascript'],
    ['a bracket in the string that the cursor is in', 'x = "|"', 'a) b] c}', 'a) b] c}', 'python'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code that is read
    ['brackets in code that stands in a string', 'const s = `${|}`;', 'f(a)}`;', 'f(a)', 'typescript'],
    ['tags that are spelled like special tokens', '<p>|</p>', '<s>10.00</s> 8.00', '<s>10.00</s> 8.00', 'html'],
    ['an apostrophe in prose', '<p>|</p>', "don't (or do)", "don't (or do)", 'html'],
    ['a prompt in a string', 'p = |', '"<|im_start|>user\\n"', '"<|im_start|>user\\n"', 'python'],
    ['a raw string', 'x = |', 'r"\\d)" + y', 'r"\\d)" + y', 'python'],
    ['a lifetime', 'fn f(|) {}', "x: &'a str, y: &'a [u8]", "x: &'a str, y: &'a [u8]", 'rust'],
  ])('read the text by the tokens of its language: %s', (_name, document, text, result, languageId) => {
    expect(filtered(document, text, languageId)).toBe(result);
  });

  test('do not change the indentation inside a string of several lines', () => {
    const text = 'x = """\n  two\n\ttab\n"""\n    y = 1';
    expect(filtered('def f():\n\ta = 1\n\t|', text, 'python')).toBe('x = """\n  two\n\ttab\n"""\n\ty = 1');
  });

  test.each([
    ['a direction override', 'x \u202e y', 'x'],
    ['a zero-width space', 'pass\u200bword', 'pass'],
    ['an escape sequence', 'a\u001b[31mb', 'a'],
    ['a control character', 'a\u0008b', 'a'],
    ['a byte order mark', '\ufeffa', ''],
  ])('cut the text before an invisible character, unless the document has it: %s', (_name, text, result) => {
    expect(filtered('s = |', text)).toBe(result);
    expect(filtered(`${text}\ns = |`, `${text}.`)).toBe(`${text}.`);
  });

  test('keep a zero-width joiner where a word needs it', () => {
    expect(filtered('s = |', '"می\u200cخواهم"')).toBe('"می\u200cخواهم"');
  });

  test('take linear time on a long text without line breaks', () => {
    // a filter that looks back from every character would run into the test's time limit
    expect(filtered('a = |', 'abcdefghij'.repeat(100_000))).toBe('abcdefghij');
    expect(filtered('a = |', 'x'.repeat(1_000_000))).toMatch(/^x+$/);
  });
});
