import { expect, test } from 'vitest';
import { brackets, unclosedAround } from '../../language-server/completion/brackets';

test.each([
  ['f(a[0], {', '{('],
  ['a("(", \'[\') + `{`; b(', '('],
  ["fn first<'a, 'b>(x: &'a str", '('],
  ["// the user's (own\nf(", '('],
  ['see("http://a/b") {', '{'],
  ['"a \\" (b" [', '['],
])('open in %s is %s', (text, open) => {
  expect(brackets(text).open.join('')).toBe(open);
});

test('closing brackets without their opening ones are found in order', () => {
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
])('between %s and %s (whole: %s) is unclosed %s', (before, after, whole, unclosed) => {
  expect(unclosedAround(before, after, whole).join('')).toBe(unclosed);
});
