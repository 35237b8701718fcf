import { describe, expect, test } from 'vitest';
import { cursorText } from '../../../language-server/completion/prompt/cursor';
import { applyStopRules } from '../../../language-server/completion/stop/stop-rules';
import { completionShape } from '../../../language-server/completion/syntax/completion-shape';

/** @param document with | for the cursor */
function stopAt(document: string, whole: string, fillInTheMiddle = false) {
  const offset = document.indexOf('|');
  const cursor = cursorText(document.replace('|', ''), offset, 10_000);
  const shape = completionShape(cursor, fillInTheMiddle);
  return applyStopRules(whole, { shape, nextLine: cursor.nextLine, maxLines: 8 });
}

describe('the shape of a completion by indentation', () => {
  test.each([
    ['const a = |', 'one'],
    ['const a = |;', 'one'],
    ['', 'block'],
    ['  |', 'block'],
    ['function f() {|', 'block'],
    ['function f() { |', 'block'],
    ['def f():|', 'block'],
    ['const f = () =>|', 'block'],
    ['call(|)', 'block'],
    ['call(|other)', 'one'],
    ['x = [|];', 'block'],
  ])('at "%s" is: %s', (document, lines) => {
    const offset = Math.max(0, document.indexOf('|'));
    const shape = completionShape(cursorText(document.replace('|', ''), offset, 100), false);
    expect(shape.lines).toBe(lines);
  });

  test('is a block at the end of any line if the model sees the text after the cursor', () => {
    expect(completionShape(cursorText('const a = ', 10, 100), true).lines).toBe('block');
    expect(completionShape(cursorText('const a = b', 10, 100), true).lines).toBe('one');
  });
});

describe('a single-line completion', () => {
  test('stops at the end of the line', () => {
    expect(stopAt('x = |', '1;\ny = 2;')).toEqual({ stop: true, text: '1;' });
    expect(stopAt('x = |', '1;')).toEqual({ stop: false, text: '1;' });
  });
});

describe('a block completion', () => {
  test('does not stop while its lines belong to the block', () => {
    expect(stopAt('f() {|', '\n  a();\n  b')).toEqual({ stop: false, text: '\n  a();\n  b' });
  });

  test('stops after the bracket that closes the block', () => {
    expect(stopAt('  f() {|', '\n    a();\n  }\n  g() {')).toEqual({ stop: true, text: '\n    a();\n  }' });
    expect(stopAt('f() {|', '\n  a();\n}')).toEqual({ stop: false, text: '\n  a();\n}' });
  });

  test('stops before the closing bracket if the document has that bracket below', () => {
    expect(stopAt('f() {|\n}\n', '\n  a();\n}')).toEqual({ stop: true, text: '\n  a();' });
  });

  test('stops before a line with less indentation', () => {
    expect(stopAt('def f():|', '\n    return 1\ndef g():')).toEqual({ stop: true, text: '\n    return 1' });
    expect(stopAt('{\n    |', 'a();\n    b();\n  }')).toEqual({ stop: true, text: 'a();\n    b();' });
  });

  test('stops at a blank line, but not at blank lines before its first text', () => {
    expect(stopAt('|', 'a();\n\nb();')).toEqual({ stop: true, text: 'a();' });
    expect(stopAt('f() {|', '\n\n  a();')).toEqual({ stop: false, text: '\n\n  a();' });
  });

  test('stops before a line that repeats the next line of the document', () => {
    expect(stopAt('|\nreturn total;', 'a();\nreturn total;\n')).toEqual({ stop: true, text: 'a();' });
    expect(stopAt('|\nreturn total;', 'a();\nreturn total')).toMatchObject({ stop: false });
  });

  test('stops at a line that repeats the one above, or comes for the third time', () => {
    expect(stopAt('|', 'log(1);\nlog(1);\n')).toEqual({ stop: true, text: 'log(1);' });
    expect(stopAt('|', 'log(1);\nlog(2);\nlog(1);\nlog(2);\nlog(1);\n')).toEqual({
      stop: true,
      text: 'log(1);\nlog(2);\nlog(1);\nlog(2);',
    });
    expect(stopAt('f() {|', '\n  a(\n    {\n    },\n    {\n    },\n')).toMatchObject({ stop: false });
  });

  test('stops at a loop within a line', () => {
    expect(stopAt('f() {|', '\n  a = b;\n  sum = sum = sum = sum = sum')).toEqual({ stop: true, text: '\n  a = b;' });
  });

  test('stops at the maximum number of lines', () => {
    const { stop, text } = stopAt('|', Array.from({ length: 20 }, (_, index) => `a${index}();`).join('\n'));
    expect(stop).toBe(true);
    expect(text.split('\n')).toHaveLength(8);
  });

  test('stops at the same place however the text is split into deltas', () => {
    const whole = '\n  if (a) {\n    b();\n  }\n  c();\n}\n\nnext();';
    const final = stopAt('f() {|', whole);
    for (let length = 1; length <= whole.length; length++) {
      const decision = stopAt('f() {|', whole.slice(0, length));
      if (decision.stop) {
        expect(decision).toEqual(final);
      } else {
        expect(whole.startsWith(decision.text)).toBe(true);
      }
    }
    expect(final.text).toBe('\n  if (a) {\n    b();\n  }\n  c();\n}');
  });
});

test.each([
  ['end_time = 1', false],
  ['done()', false],
  ['end = 3', false],
  ['fi: number', false],
  ['end', true],
  ['done < file', true],
  ['fi', true],
])('only a whole closing word closes a block, not a name that begins like it: %s', (line, closes) => {
  const shape = { lines: 'block', baseIndent: 0, opens: true, mayOpen: false } as const;
  const { text } = applyStopRules(`\n  a\n${line}\nb\n`, { shape, nextLine: '', maxLines: 8 });
  expect(text.includes(line)).toBe(closes);
});
