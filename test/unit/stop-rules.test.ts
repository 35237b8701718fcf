import { describe, expect, test } from 'vitest';
import { cursorText } from '../../language-server/completion/prompt/cursor';
import { applyStopRules } from '../../language-server/completion/stop/stop-rules';
import { completionShape } from '../../language-server/completion/syntax/completion-shape';

/** @param document with | for the cursor */
function stopAt(document: string, whole: string, fillInTheMiddle = false) {
  const offset = document.indexOf('|');
  const cursor = cursorText(document.replace('|', ''), offset, 10_000);
  const shape = completionShape(cursor, fillInTheMiddle);
  return applyStopRules(whole, { shape, nextLine: cursor.nextLine, maxLines: 8 });
}

describe('the shape', () => {
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
  ])('of "%s" is %s', (document, lines) => {
    const offset = Math.max(0, document.indexOf('|'));
    const shape = completionShape(cursorText(document.replace('|', ''), offset, 100), false);
    expect(shape.lines).toBe(lines);
  });

  test('is a block at the end of any line for a model that sees what follows', () => {
    expect(completionShape(cursorText('const a = ', 10, 100), true).lines).toBe('block');
    expect(completionShape(cursorText('const a = b', 10, 100), true).lines).toBe('one');
  });
});

describe('one line', () => {
  test('ends at its end', () => {
    expect(stopAt('x = |', '1;\ny = 2;')).toEqual({ stop: true, text: '1;' });
    expect(stopAt('x = |', '1;')).toEqual({ stop: false, text: '1;' });
  });
});

describe('a block', () => {
  test('goes on while it grows', () => {
    expect(stopAt('f() {|', '\n  a();\n  b')).toEqual({ stop: false, text: '\n  a();\n  b' });
  });

  test('ends with the bracket that closes it', () => {
    expect(stopAt('  f() {|', '\n    a();\n  }\n  g() {')).toEqual({ stop: true, text: '\n    a();\n  }' });
    expect(stopAt('f() {|', '\n  a();\n}')).toEqual({ stop: false, text: '\n  a();\n}' });
  });

  test('leaves that bracket out when it stands below already', () => {
    expect(stopAt('f() {|\n}\n', '\n  a();\n}')).toEqual({ stop: true, text: '\n  a();' });
  });

  test('ends before a line that is indented less', () => {
    expect(stopAt('def f():|', '\n    return 1\ndef g():')).toEqual({ stop: true, text: '\n    return 1' });
    expect(stopAt('{\n    |', 'a();\n    b();\n  }')).toEqual({ stop: true, text: 'a();\n    b();' });
  });

  test('ends at a blank line, but not at those it begins with', () => {
    expect(stopAt('|', 'a();\n\nb();')).toEqual({ stop: true, text: 'a();' });
    expect(stopAt('f() {|', '\n\n  a();')).toEqual({ stop: false, text: '\n\n  a();' });
  });

  test('ends at the next line of the document', () => {
    expect(stopAt('|\nreturn total;', 'a();\nreturn total;\n')).toEqual({ stop: true, text: 'a();' });
    expect(stopAt('|\nreturn total;', 'a();\nreturn total')).toMatchObject({ stop: false });
  });

  test('ends at a repeated line, and at one that comes a third time', () => {
    expect(stopAt('|', 'log(1);\nlog(1);\n')).toEqual({ stop: true, text: 'log(1);' });
    expect(stopAt('|', 'log(1);\nlog(2);\nlog(1);\nlog(2);\nlog(1);\n')).toEqual({
      stop: true,
      text: 'log(1);\nlog(2);\nlog(1);\nlog(2);',
    });
    expect(stopAt('f() {|', '\n  a(\n    {\n    },\n    {\n    },\n')).toMatchObject({ stop: false });
  });

  test('ends in a loop within a line', () => {
    expect(stopAt('f() {|', '\n  a = b;\n  sum = sum = sum = sum = sum')).toEqual({ stop: true, text: '\n  a = b;' });
  });

  test('ends at the most lines', () => {
    const { stop, text } = stopAt('|', Array.from({ length: 20 }, (_, index) => `a${index}();`).join('\n'));
    expect(stop).toBe(true);
    expect(text.split('\n')).toHaveLength(8);
  });

  test('decides the same however the text is cut into pieces', () => {
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
])('a name that begins like a closing word closes no block: %s', (line, closes) => {
  const shape = { lines: 'block', baseIndent: 0, opens: true, mayOpen: false } as const;
  const { text } = applyStopRules(`\n  a\n${line}\nb\n`, { shape, nextLine: '', maxLines: 8 });
  expect(text.includes(line)).toBe(closes);
});
