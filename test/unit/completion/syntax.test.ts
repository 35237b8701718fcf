/** One line or a block, by the syntax around the cursor, in the languages that have a grammar. */

import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cursorText } from '../../../language-server/completion/prompt/cursor';
import { applyStopRules } from '../../../language-server/completion/stop/stop-rules';
import { completionShape } from '../../../language-server/completion/syntax/completion-shape';
import { Syntax } from '../../../language-server/completion/syntax/syntax';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
process.env['FASA_SYNTAX'] = path.join(root, 'dist', 'syntax');
const problems: string[] = [];
// what is found is tested here, not how fast a busy machine is
const syntax = new Syntax({
  onProblem: (problem) => problems.push(problem),
  loadLimitMs: 30_000,
  parseLimitMs: 10_000,
});

async function shapeOf(languageId: string, document: string, fillInTheMiddle = false) {
  const offset = document.indexOf('|');
  const text = document.replace('|', '');
  const found = await syntax.shapeAt(languageId, text, offset);
  expect(problems).toEqual([]);
  const cursor = cursorText(text, offset, 10_000);
  return { found, cursor, shape: completionShape(cursor, fillInTheMiddle, found) };
}

describe('the syntax tree', () => {
  test.each([
    ['typescript', 'function f(a: number) {|', 'block'],
    ['typescript', 'function f(a: number) {\n  |\n}\n', 'block'],
    ['typescript', 'interface A {\n  name: |\n}\n', 'one'],
    ['typescript', 'const a: |', 'one'],
    ['typescript', 'const a = {\n  b: |\n};', 'one'],
    ['typescript', 'call(\n  a,\n  |\n);', 'one'],
    ['typescript', 'const list = [\n  |\n];', 'one'],
    ['typescript', '// say |', 'one'],
    ['typescript', '/**\n * |\n */\nfunction f() {}', 'one'],
    ['typescript', '/** all of it */\n|\n', 'block'],
    ['typescript', "const s = 'a |';", 'one'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program
    ['typescript', 'const s = `a ${b.|} c`;', 'one'],
    ['typescript', 'switch (a) {\n  case 1:|\n}', 'block'],
    ['typescriptreact', 'export function App() {\n  |\n}\n', 'block'],
    ['javascript', 'const a = b.|', 'one'],
    ['python', 'def f(a):|', 'block'],
    ['python', 'def f(a):\n    |', 'block'],
    ['python', 'a = {"b": |}', 'one'],
    ['python', 'x: |', 'one'],
    ['python', 'f = lambda a: |', 'one'],
    ['python', 'if a > 1:  # so|', 'one'],
    ['python', 'def f():\n    """Says |\n    """\n', 'one'],
    ['python', 'call(\n    a,\n    |\n)\n', 'one'],
    ['go', 'func f(a int) error {|', 'block'],
    ['go', 'func f(a int) error {\n\tif a > 1 {\n\t\t|\n\t}\n}\n', 'block'],
    ['go', 'x := |', 'one'],
    ['go', 'func f() {\n\tcall(\n\t\t|\n\t)\n}\n', 'one'],
    ['rust', 'fn f(a: u8) -> u8 {|', 'block'],
    ['rust', 'fn f(a: u8) -> u8 {\n    |\n}\n', 'block'],
    ['rust', 'struct A {\n    a: |\n}\n', 'one'],
    ['rust', '/// Says |\nfn f() {}\n', 'one'],
    ['java', 'class A {\n  int f() {|', 'block'],
    ['java', 'class A {\n  int f() {\n    return |;\n  }\n}\n', 'one'],
    ['cpp', 'int f(int a) {\n  |\n}\n', 'block'],
    ['cpp', 'struct A {\n  int a = |;\n};\n', 'one'],
    ['c', '#include <stdio.h>\nint main(void) {|', 'block'],
    ['csharp', 'class A {\n  int F() {\n    |\n  }\n}\n', 'block'],
    ['csharp', 'class A {\n  string s = "a |";\n}\n', 'one'],
    ['ruby', 'def add(a, b)|', 'block'],
    ['ruby', 'list.each do|', 'block'],
    ['ruby', '# says |', 'one'],
    ['php', '<?php\nfunction f($a) {|', 'block'],
    ['php', '<?php\n$a = |;\n', 'one'],
    ['css', 'a {|', 'block'],
    ['css', 'a {\n  color: |;\n}\n', 'one'],
    ['shellscript', 'if [ -f a ]; then|', 'block'],
    ['shellscript', 'echo "a |"', 'one'],
    ['powershell', 'function Get-A {|', 'block'],
  ])('of %s says that "%s" is: %s', async (languageId, document, lines) => {
    const { found, shape } = await shapeOf(languageId, document);
    expect(found).toBeDefined();
    expect(shape.lines).toBe(lines);
  });

  test('says nothing for a language without a grammar, or if the grammars are not installed', async () => {
    expect(await syntax.shapeAt('cobol', 'a', 1)).toBeUndefined();
    process.env['FASA_SYNTAX'] = root;
    expect(await new Syntax().shapeAt('go', 'a', 1)).toBeUndefined();
    process.env['FASA_SYNTAX'] = path.join(root, 'dist', 'syntax');
  });

  test('gives an answer in a document of 20,000 lines', async () => {
    const body = 'function f(a) {\n  return a + 1;\n}\n'.repeat(7000);
    const text = `${body}function g() {`;
    const { shape } = await shapeOf('javascript', `${text}|`);
    expect(shape).toMatchObject({ lines: 'block', opens: true });
  });
});

test('a line that opens a bracket goes on to the line that closes it if the model sees the text after the cursor', async () => {
  const { cursor, shape } = await shapeOf('typescript', 'const a = |\nnext();', true);
  expect(shape).toMatchObject({ lines: 'one', mayOpen: true });
  const context = { shape, nextLine: cursor.nextLine, maxLines: 16 };
  expect(applyStopRules('b.map((c) => {\n  return c;\n});\nconst d = 1;', context)).toEqual({
    stop: true,
    text: 'b.map((c) => {\n  return c;\n});',
  });
  expect(applyStopRules('b;\nconst d = 1;', context)).toEqual({ stop: true, text: 'b;' });
  const prefixOnly = await shapeOf('typescript', 'const a = |', false);
  expect(prefixOnly.shape.mayOpen).toBe(false);
});
