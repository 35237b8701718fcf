import { describe, expect, test } from 'vitest';
import { table } from '../../../bench/common/table';
import { table as contextTable } from '../../../language-server/cli/context';
import { terminalOutput } from '../../../language-server/cli/output';
import { VisibleText, visibleJson, visibleLine } from '../../../language-server/cli/printable';

/** What a stranger may name a file, or a model may say, and what a person sees of it. */
const hostile: readonly (readonly [string, string, string])[] = [
  ['a write to the clipboard', 'a\u001b]52;c;ZXZpbA==\u0007b', 'a\\u{1b}]52;c;ZXZpbA==\\u{7}b'],
  ['a title', '\u001b]0;root@host\u001b\\x', '\\u{1b}]0;root@host\\u{1b}\\x'],
  ['colours and a cleared screen', '\u001b[31m\u001b[2J\u001b[H', '\\u{1b}[31m\\u{1b}[2J\\u{1b}[H'],
  ['a hyperlink', '\u001b]8;;http://x\u001b\\y', '\\u{1b}]8;;http://x\\u{1b}\\y'],
  ['C1 controls', '\u009b31m\u009d52;c;x\u009c', '\\u{9b}31m\\u{9d}52;c;x\\u{9c}'],
  ['a bell, a backspace and a DEL', 'a\u0007\b\u007f', 'a\\u{7}\\u{8}\\u{7f}'],
  ['NUL, vertical tab and form feed', '\0\u000b\f', '\\u{0}\\u{b}\\u{c}'],
  ['a direction override', 'gpj\u202eexe.ts', 'gpj\\u{202e}exe.ts'],
  ['isolates', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
  ['zero-width characters', 'pass\u200bword\u2060\ufeff', 'pass\\u{200b}word\\u{2060}\\u{feff}'],
  ['line separators', 'a\u2028b\u2029c\u0085d', 'a\\u{2028}b\\u{2029}c\\u{85}d'],
  ['tags', 'x\u{e0041}\u{e0042}', 'x\\u{e0041}\\u{e0042}'],
  ['controls of shorthand and music', '\u{1bca0}\u{1d173}', '\\u{1bca0}\\u{1d173}'],
];

/** Nothing that a terminal obeys, or that is not seen; our own line ends are looked at apart. */
function obeyedIn(text: string): string[] {
  const ranges = [
    [0, 9],
    [0xb, 0x1f],
    [0x7f, 0x9f],
    [0xad, 0xad],
    [0x200b, 0x200f],
    [0x2028, 0x202e],
    [0x2060, 0x206f],
    [0xfeff, 0xfeff],
    [0xe0000, 0xe0fff],
  ] as const;
  return [...text].filter((character) => {
    const code = character.codePointAt(0) ?? 0;
    return ranges.some(([first, last]) => code >= first && code <= last);
  });
}

class Stream {
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

function outputs(isTTY: boolean) {
  const [out, errors] = [new Stream(isTTY), new Stream(isTTY)];
  return { out, errors, output: terminalOutput(out, errors) };
}

describe.each([
  ['a terminal', true],
  ['a pipe', false],
])('lines for %s', (_name, isTTY) => {
  test.each(hostile)('show %s', (_what, text, shown) => {
    const { out, errors, output } = outputs(isTTY);
    output.line(text);
    output.lines([text, text]);
    output.message(text);
    expect(out.text).toBe(`${shown}\n`.repeat(3));
    expect(errors.text).toBe(`${shown}\n`);
  });

  test.each([
    ['a line feed', 'a\nok   all is well', 'a\\nok   all is well'],
    ['a carriage return', 'a\rok', 'a\\rok'],
    ['both', 'a\r\nok', 'a\\r\\nok'],
    ['a tab', 'a\tb', 'a\\tb'],
  ])('stay on one line with %s in a name', (_what, text, shown) => {
    const { out, errors, output } = outputs(isTTY);
    output.line(text);
    output.message(text);
    expect([out.text, errors.text]).toEqual([`${shown}\n`, `${shown}\n`]);
  });

  test('are cut between characters when they are very long', () => {
    const { out, output } = outputs(isTTY);
    output.line('😀'.repeat(100_000));
    expect(out.text.length).toBeLessThan(4100);
    expect(out.text).toContain('200000 characters');
    expect(Buffer.from(out.text).toString('utf8')).toBe(out.text);
  });
});

describe('ordinary text', () => {
  test.each([
    'src/größe/日本語/файл/ملف/קובץ.ts',
    'C:\\new\\table.ts',
    '👩‍💻 👨‍👩‍👧 ❤️‍🔥 🇩🇪',
    'می\u200cخواهم',
    'ภาษา\u200bไทย',
    '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
  ])('%j is printed as it is', (text) => {
    expect(visibleLine(text)).toBe(text);
    const { out, output } = outputs(true);
    for (const character of text) {
      output.result(character);
    }
    output.result('\n');
    expect(out.text).toBe(`${text}\n`);
  });
});

describe('a text of the model', () => {
  test.each(hostile)('shows %s on a terminal, however it is split, and stays exact in a pipe', (_what, text, shown) => {
    for (const parts of [[text], [...text], text.split(/(?=\W)/)]) {
      const [terminal, pipe] = [outputs(true), outputs(false)];
      for (const part of [...parts, '\n']) {
        terminal.output.result(part);
        pipe.output.result(part);
      }
      expect(terminal.out.text).toBe(`${shown}\n`);
      expect(pipe.out.text).toBe(`${text}\n`);
    }
  });

  test('keeps lines and tabs, but shows a carriage return that would overwrite a line', () => {
    const text = new VisibleText();
    expect(['if x:\n\ty()\r', '\nsafe\revil', '\n'].map((part) => text.push(part)).join('')).toBe(
      'if x:\n\ty()\r\nsafe\\revil\n',
    );
  });
});

describe('JSON', () => {
  test.each(hostile)('escapes %s and keeps the value', (_what, text) => {
    const value = { [text]: text, list: [text] };
    const { out, output } = outputs(true);
    output.json(value);
    expect(JSON.parse(out.text)).toEqual(value);
    expect(obeyedIn(out.text)).toEqual([]);
  });

  test('leaves ordinary text unchanged', () => {
    const value = { path: 'größe/日本語.ts', emoji: '👩‍💻', text: 'a\n\tb', none: null };
    expect(visibleJson(value)).toBe(JSON.stringify(value, null, 2));
  });
});

describe('progress', () => {
  test.each(hostile)('shows %s on a single line', (_what, text) => {
    const { errors, output } = outputs(true);
    output.progress(text, 0.5, text);
    output.progressDone();
    expect(obeyedIn(errors.text.replaceAll('\r\u001b[K', ''))).toEqual([]);
  });
});

describe('tables', () => {
  test.each(hostile)('show %s in a cell and stay aligned', (_what, text, shown) => {
    const lines = table([{ name: text }, { name: `${text}\n` }], [{ title: 'name', text: ({ name }) => name }]);
    expect(lines.map((line) => line.trim())).toEqual(['name', shown, `${shown}\\n`]);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });

  test('of the context give each file one line, whatever its name is', () => {
    const { out, output } = outputs(false);
    const file = { state: 'left out', tokens: 0, chunks: 0, chunksEncoded: 0 } as const;
    output.lines(
      contextTable({
        name: 'a',
        uri: 'file:///tmp/a%1B%5D52%3Bc%3Bx%07',
        files: [
          { ...file, path: 'a\n  1,000  encoded  forged.ts', reason: 'too large' },
          { ...file, path: 'b\u001b[2K\r.ts', reason: 'too large' },
        ],
        tokens: 0,
        tokensEncoded: 0,
        budgetTokens: 0,
        ruleProblems: ['.gitignore\nforged: \u202erule'],
      }),
    );
    expect(obeyedIn(out.text)).toEqual([]);
    expect(out.text.split('\n')).not.toContainEqual(expect.stringMatching(/^ *(1,000|forged)/));
    expect(out.text).toContain('b\\u{1b}[2K\\r.ts');
  });
});
