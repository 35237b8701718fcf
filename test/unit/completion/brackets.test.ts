import { expect, test } from 'vitest';
import { brackets, CodeAround } from '../../../language-server/completion/syntax/brackets';

test.each([
  ['f(a[0], {', '{('],
  ['a("(", \'[\') + `{`; b(', '('],
  ["fn first<'a, 'b>(x: &'a str", '(', 'rust'],
  ["if c == '(' || c == '\\'' {", '{', 'rust'],
  ['printf("%d (\\n", f(', '((', 'cpp'],
  ['auto s = R"(a ( b)" + g[', '[', 'cpp'],
  ["x = f'{a[0]} (' + g(", '(', 'python'],
  ['s = """one (\ntwo {""" + h(', '(', 'python'],
  ['const re = /[(/]\\(/; f(', '(', 'javascript'],
  ['a / b / f(', '(', 'javascript'],
  ['const s = `a ${f(b', '({', 'typescript'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code that is read
  ['const s = `a ${f(b)} (`; g(', '(', 'typescript'],
  ['<p title="(">don\'t (', '(', 'html'],
  ["echo 'it (' \"$(", '', 'shellscript'],
  ["-- it's (\nselect f(", '(', 'sql'],
  ['key: value # (\nlist: [', '[', 'yaml'],
  ["// the user's (own\nf(", '('],
  ['see("http://a/b") {', '{'],
  ['"a \\" (b" [', '['],
] as [string, string, string?][])('the open brackets of %s are %s', (text, open, language = '') => {
  expect(brackets(text, language).open.join('')).toBe(open);
});

test('closing brackets without an opening one are found in order', () => {
  expect(brackets('a) + b[0]] }').unmatched).toEqual([
    { char: ')', index: 1 },
    { char: ']', index: 9 },
    { char: '}', index: 11 },
  ]);
});

test.each([
  ['f(a', '', true, '('],
  ['function f() {\n  g(a', '\n}', true, '('],
  ['function f() {\n  g(', ');\n}', true, ''],
  ['impl A {\n  fn f() {', '\n    b\n  }\n\n  fn g() {}\n', false, ''],
  ['impl A {\n  fn f() {', '\n    b\n  }\n\n  fn g() {}\n', true, '{'],
  ['mod a {\nfn f() {', '\n\nfn g() {}\n', false, '{'],
])('between %s and %s (document complete: %s) the unclosed brackets are: %s', (before, after, whole, unclosed) => {
  expect(new CodeAround({ before, after, reachesEnd: whole, start: 0 }, '').unclosed().join('')).toBe(unclosed);
});
