/** Messages behind broken frames: all that can be heard are heard, and something is said of the others. */

import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../language-server/server/frame-reader';

const body = (id: number) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'a', params: { text: 'x∀\u2028'.repeat(id) } });
const frame = (text: string) => `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;

interface Heard {
  readonly ids: unknown[];
  readonly problems: string[];
}

/** @param bytes of each piece that comes at once */
async function read(text: string | Buffer, bytes: number): Promise<Heard> {
  const input = new PassThrough();
  const heard: Heard = { ids: [], problems: [] };
  const reader = new FrameReader(input);
  reader.onError(({ message }) => heard.problems.push(message));
  reader.listen((message) => heard.ids.push((message as { readonly id?: unknown }).id));
  const whole = Buffer.from(text);
  for (let at = 0; at < whole.length; at += bytes) {
    input.write(whole.subarray(at, at + bytes));
    await nextTurn();
  }
  return heard;
}

const good = [1, 2, 3].map((id) => frame(body(id))).join('');
const sizes = [1, 7, 64, 100_000];

/** What stands between the first message and the second. */
const broken: Readonly<Record<string, string>> = {
  'no length': `Content-Type: a\r\n\r\n${body(9)}`,
  'a header that is none': `hello\r\n\r\n${body(9)}`,
  'a length that is no number': `Content-Length: abc\r\n\r\n${body(9)}`,
  'a length below zero': `Content-Length: -5\r\n\r\n${body(9)}`,
  'no length at all': `Content-Length:\r\n\r\n${body(9)}`,
  'a length that is too small': `Content-Length: 10\r\n\r\n${body(9)}`,
  'a length that is too large': `Content-Length: 300\r\n\r\n${body(9)}`,
  'a length that nothing has': `Content-Length: 99999999999\r\n\r\n${body(9)}`,
  'a length of many digits': `Content-Length: ${'9'.repeat(400)}\r\n\r\n${body(9)}`,
  'a body that is no JSON': frame('{"jsonrpc":"2.0","id":9'),
  'a body of nothing': frame(''),
  'a body that is no message': frame('null') + frame('42') + frame('[]') + frame('{}'),
  'a body of brackets': frame('['.repeat(100_000)),
  'a body cut short by a frame': `${frame(body(9)).slice(0, -20)}`,
  'bytes of another protocol': `GET / HTTP/1.1\r\nHost: a\r\n\r\n`,
  'much without a line end': 'x'.repeat(30_000),
  'line ends alone': '\r\n'.repeat(2000),
  'a header of two lengths': `Content-Length: 3\r\nContent-Length: 4\r\n\r\n{"a"`,
};

describe('whole frames', () => {
  test.each(sizes)('are read when they arrive in parts of %i bytes', async (bytes) => {
    expect(await read(good, bytes)).toEqual({ ids: [1, 2, 3], problems: [] });
  });

  test('may have other header fields, in any case and order', async () => {
    const typed = `content-type: application/vscode-jsonrpc; charset=utf-8\r\nCONTENT-LENGTH:${body(1).length}\r\n\r\n`;
    const one = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'a' });
    const fields = typed.replace(/\d+\r\n\r\n$/, `${one.length}\r\n\r\n`);
    expect(await read(`${fields}${one}${good}`, 5)).toEqual({ ids: [1, 1, 2, 3], problems: [] });
  });

  test('may contain headers in their text', async () => {
    const text = JSON.stringify({
      jsonrpc: '2.0',
      id: 4,
      method: 'a',
      params: 'Content-Length: 5\r\n\r\n{} Content-Length: 7',
    });
    for (const bytes of sizes) {
      expect(await read(`${frame(text)}${good}`, bytes)).toEqual({ ids: [4, 1, 2, 3], problems: [] });
    }
  });
});

describe.each(Object.entries(broken))('%s', (_what, text) => {
  test.each(sizes)('is reported and left out, and what follows is read, in parts of %i bytes', async (bytes) => {
    const heard = await read(`${frame(body(1))}${text}${frame(body(2))}${frame(body(3))}`, bytes);
    expect(heard.ids).toEqual([1, 2, 3]);
    expect(heard.problems.length).toBeGreaterThan(0);
  });
});

test('a message that does not arrive is reported', async () => {
  const input = new PassThrough();
  const problems: string[] = [];
  const reader = new FrameReader(input, { waitMs: 5 });
  reader.onError(({ message }) => problems.push(message));
  reader.listen(() => undefined);
  input.write('Content-Length: 50\r\n\r\n{"a":');
  await expect.poll(() => problems).toEqual(['A message of 50 bytes was announced; 45 of them have not come.']);
});

test.each([4, 8, 16])('a body of %i MB in small parts is joined once', async (megabytes) => {
  const text = JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'a', params: 'x'.repeat(megabytes * 1024 * 1024) });
  const concat = Buffer.concat;
  let joined = 0;
  Buffer.concat = (list, length) => {
    const result = concat(list, length);
    joined += result.length;
    return result;
  };
  try {
    expect(await read(frame(text), 64 * 1024)).toEqual({ ids: [5], problems: [] });
  } finally {
    Buffer.concat = concat;
  }
  expect(joined).toBeLessThan(3 * text.length);
});
