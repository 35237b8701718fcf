import { describe, expect, test } from 'vitest';
import { type Chunk, chunkFile } from '../../../language-server/index/chunk/chunker';
import { FakeEngine, textOf } from '../../server/tools/fake-engine';

const engine = new FakeEngine();
const chunkTokens = 512;

function chunk(text: string, path = 'src/a.ts'): Chunk[] {
  return chunkFile(engine, path, text, { chunkTokens });
}

/** A source file with functions of differing lengths; the same seed, the same file. */
function source(functions: number, seed = 1): string[] {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: functions }, (_, index) => {
    const lines = Array.from({ length: 2 + random(9) }, () => `  call${random(1000)}(value${random(1000)});`);
    return `export function name${index}() {\n${lines.join('\n')}\n}\n\n`;
  });
}

const bodies = (chunks: readonly Chunk[]) => chunks.map(({ text }) => text);
const names = (chunks: readonly Chunk[]) => new Set(chunks.map(({ tokens }) => textOf(tokens)));

function changed(before: readonly Chunk[], after: readonly Chunk[]): number {
  const known = names(before);
  return [...names(after)].filter((name) => !known.has(name)).length;
}

/** What holds for the chunks of any text. */
function check(text: string, chunks: readonly Chunk[], lines = text.split('\n')): void {
  expect(bodies(chunks).join('')).toBe(text);
  for (const { tokens, text: body, firstLine, lastLine, blockLines } of chunks) {
    expect(tokens.length).toBeLessThanOrEqual(chunkTokens);
    expect(textOf(tokens)).toBe(`// src/a.ts\n${body}`);
    expect(lines[firstLine]).toContain(body.split('\n')[0]);
    expect(lastLine).toBeGreaterThanOrEqual(firstLine);
    expect(lastLine).toBeLessThan(lines.length);
    expect(blockLines).toHaveLength(Math.ceil(tokens.length / 16));
    expect([...blockLines]).toEqual([...blockLines].sort((left, right) => left - right));
    expect(blockLines[0]).toBe(firstLine);
    expect(blockLines.at(-1)).toBeLessThanOrEqual(lastLine);
  }
}

test('a small file is one chunk behind its path line', () => {
  const chunks = chunk('a = 1;\nb = 2;\n');
  check('a = 1;\nb = 2;\n', chunks);
  expect(chunks).toHaveLength(1);
  expect(chunks[0]).toMatchObject({ firstLine: 0, lastLine: 1 });
});

test('a model with a separator gets it before the bare path', () => {
  const model = new FakeEngine({ fillInTheMiddle: true, separator: true });
  const [only] = chunkFile(model, 'src/a.ts', 'a');
  expect(textOf(only?.tokens ?? new Int32Array())).toBe('{262}src/a.ts\na');
});

test('a long file is covered exactly, cut where functions begin', () => {
  const text = source(200).join('');
  const chunks = chunk(text);
  check(text, chunks);
  expect(chunks.length).toBeGreaterThan(20);
  const atFunctions = bodies(chunks).filter((body) => body.startsWith('export function')).length;
  expect(atFunctions).toBe(chunks.length);
  for (const { tokens } of chunks.slice(0, -1)) {
    expect(tokens.length).toBeGreaterThan(chunkTokens / 5);
  }
});

test('the block lines are those of the tokens', () => {
  for (const { tokens, text, firstLine, blockLines } of chunk(source(30).join(''))) {
    const head = tokens.length - text.length;
    for (const [block, line] of blockLines.entries()) {
      const passed = text.slice(0, Math.max(0, block * 16 - head));
      expect(Math.abs(line - firstLine - (passed.split('\n').length - 1))).toBeLessThanOrEqual(1);
    }
  }
});

describe('an edit changes few chunks', () => {
  const functions = source(300);
  const before = chunk(functions.join(''));

  test.each([
    ['a line at the top', 0, (text: string) => `import { x } from './x';\n${text}`],
    ['forty lines at the top', 0, (text: string) => `${'import { some } from "./some";\n'.repeat(40)}\n${text}`],
    ['a function in the middle', 150, (text: string) => `${text}function added() {\n  return 1;\n}\n\n`],
    ['a function removed', 150, () => ''],
    ['a character in the middle', 150, (text: string) => text.replace('call', 'Call')],
    ['a function at the end', 299, (text: string) => `${text}function last() {}\n`],
  ])('%s', (_name, at, edit) => {
    const after = chunk(functions.map((text, index) => (index === at ? edit(text) : text)).join(''));
    expect(changed(before, after)).toBeLessThanOrEqual(6);
  });

  test('on the mean over 60 insertions, less than three', () => {
    let sum = 0;
    for (let at = 0; at < 300; at += 5) {
      const edited = functions.map((text, index) => (index === at ? `const inserted${at} = ${at};\n\n${text}` : text));
      sum += changed(before, chunk(edited.join('')));
    }
    expect(sum / 60).toBeLessThan(3);
  });
});

describe('any text', () => {
  test.each([
    ['empty', ''],
    ['blank', ' \n\n\t\n'],
  ])('that is %s has no chunks', (_name, text) => {
    expect(chunk(text)).toEqual([]);
  });

  test.each([
    ['without line end', 'a\nb'],
    ['of one line that is longer than a chunk', `const table = [${'1234, '.repeat(2000)}];\n`],
    ['of one word that is longer than a chunk', 'x'.repeat(10_000)],
    ['of characters of four bytes', '𝔘𝔫𝔦'.repeat(3000)],
    ['of the same line over and over', 'x = 1;\n'.repeat(3000)],
    ['of separators', '<|im_end|>\n'.repeat(500)],
    ['with other line ends inside', `a\u2028b\u0085c\n${'d\fe\v\n'.repeat(400)}`],
  ])('%s is covered exactly', (_name, text) => {
    check(text, chunk(text));
  });

  test('with CRLF, CR, a byte order mark and lone surrogates is made clean first', () => {
    const [only] = chunk('\ufeffa\r\nb\rc\ud800\n');
    expect(only?.text).toBe('a\nb\nc\ufffd\n');
    expect(only?.lastLine).toBe(2);
  });

  test('of a chunk of blank lines has none for them', () => {
    const chunks = chunk(`a = 1;\n${'\n'.repeat(3000)}b = 2;\n`);
    expect(chunks.length).toBeLessThanOrEqual(2);
    expect(chunks.at(-1)?.text.trimEnd().endsWith('b = 2;')).toBe(true);
    expect(chunks.at(-1)?.lastLine).toBe(3001);
  });

  test('of a line of 50 MB ends', { timeout: 60_000 }, () => {
    const text = 'a1'.repeat(25 * 1024 * 1024);
    let length = 0;
    for (const { text: body, tokens } of chunkFile(engine, 'a.js', text, { chunkTokens: 4096 })) {
      length += body.length;
      expect(tokens.length).toBeLessThanOrEqual(4096);
    }
    expect(length).toBe(text.length);
  });

  test('random bytes as text', () => {
    let state = 7;
    const bytes = Uint8Array.from({ length: 60_000 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    const chunks = chunk(new TextDecoder().decode(bytes));
    expect(chunks.every(({ tokens }) => tokens.length <= chunkTokens)).toBe(true);
    expect(bodies(chunks).join('').length).toBeGreaterThan(40_000);
  });

  test('under a path that is longer than a chunk keeps the end of the path', () => {
    const [only] = chunk('a', `${'folder/'.repeat(500)}file.ts`);
    expect(only?.tokens.length).toBeLessThan(chunkTokens / 2);
    expect(textOf(only?.tokens ?? new Int32Array())).toMatch(/^\/\/ \S*folder\/file\.ts\na$/);
  });
});
