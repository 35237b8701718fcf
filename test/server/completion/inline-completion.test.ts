/** `textDocument/inlineCompletion` over real pipes: the answer, and every input that is not as it should be. */

import { afterEach, describe, expect, test } from 'vitest';
import { startServer, stopServers } from '../tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const answers = [{ when: '', text: 'first(1);\nsecond(2);\n\nthird(3);\n' }];

describe('an inline completion', () => {
  test('is announced as a capability, with incremental sync', async () => {
    const client = await startServer();
    expect(client.initialized?.capabilities).toMatchObject({ inlineCompletionProvider: true, textDocumentSync: 2 });
  });

  test('inserts one line at the cursor after code', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, 'const a = 1;\nconst b = ');
    const { items } = await client.complete(uri, 1, 10);
    const at = { line: 1, character: 10 };
    expect(items).toEqual([{ insertText: 'first(1);', range: { start: at, end: at } }]);
  });

  test('is a block up to a blank line after an opening bracket', async () => {
    const client = await startServer({ engine: { answers: [{ when: '', text: '\n  a();\n  b();\n}\n\nc();\n' }] } });
    await client.open(uri, 'function f() {');
    expect(await client.completionText(uri, 0, 14)).toBe('\n  a();\n  b();\n}');
  });

  test('stops decoding where the text is cut', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, 'x = ');
    await client.completionText(uri, 0, 4);
    expect(client.events).toContain('done after 10');
  });

  test('uses the document after incremental changes', async () => {
    const client = await startServer({
      engine: {
        answers: [
          { when: 'beta', text: '2' },
          { when: 'alpha', text: '1' },
        ],
      },
    });
    await client.open(uri, 'alpha = ');
    expect(await client.completionText(uri, 0, 8)).toBe('1');
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 5 } }, text: 'beta' }],
    });
    expect(await client.completionText(uri, 0, 7)).toBe('2');
  });

  test('has the line endings of a CRLF document', async () => {
    const client = await startServer({ engine: { answers: [{ when: '', text: '\n  a();\n}\n' }] } });
    await client.open(uri, 'if (x) {\r\n\r\nend();\r\n');
    expect(await client.completionText(uri, 0, 8)).toBe('\r\n  a();\r\n}');
  });

  test('gives the model LF line endings only', async () => {
    const client = await startServer({
      engine: {
        answers: [
          { when: '\r', text: 'bad' },
          { when: 'a\nb', text: 'good' },
        ],
      },
    });
    await client.open(uri, 'a\r\nb');
    expect(await client.completionText(uri, 1, 1)).toBe('good');
  });

  test('works in an empty document', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, '');
    expect(await client.completionText(uri, 0, 0)).toBe('first(1);\nsecond(2);');
  });

  test('reads only a window of a document with a line of 5 MB', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, `const data = "${'x'.repeat(5_000_000)}";\nconst b = `);
    expect(await client.completionText(uri, 1, 10)).toBeUndefined();
    expect(await client.invoke(uri, 1, 10)).toEqual(['first(1);']);
    expect(await client.invoke(uri, 0, 2_500_000)).toEqual(['first(1);']);
    const fed = client.events
      .filter((event) => event.startsWith('prefill'))
      .map((event) => Number(/\d+/.exec(event)?.[0]));
    expect(Math.max(...fed)).toBeLessThan(1200);
  });

  test('replaces lone surrogates before tokenizing', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'a\ufffdb', text: 'good' }] } });
    await client.open(uri, 'a\ud800b = ');
    expect(await client.completionText(uri, 0, 6)).toBe('good');
  });

  test('takes a character after the end of its line as the end', async () => {
    const client = await startServer({
      engine: {
        answers: [
          { when: 'second', text: 'bad' },
          { when: 'first', text: 'good' },
        ],
      },
    });
    await client.open(uri, 'first\nsecond');
    expect(await client.completionText(uri, 0, 4000)).toBe('good');
  });

  test('is empty for a line outside the document, and the log says why', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, 'one line');
    expect(await client.complete(uri, 7, 0)).toEqual({ items: [] });
    await client.until('the log', () => client.logs.some((line) => line.includes('line 7 is outside of')));
  });

  test('is empty for a document that is not open', async () => {
    const client = await startServer({ engine: { answers } });
    expect(await client.complete(uri, 0, 0)).toEqual({ items: [] });
  });

  test('is empty when turned off, for all or for a language', async () => {
    const off = await startServer({ engine: { answers }, initializationOptions: { completion: { enabled: false } } });
    await off.open(uri, 'x = ');
    expect(await off.complete(uri, 0, 4)).toEqual({ items: [] });
    const some = await startServer({
      engine: { answers },
      initializationOptions: { completion: { disabledLanguages: ['markdown'] } },
    });
    await some.open('file:///a.md', 'x = ', 'markdown');
    await some.open(uri, 'x = ');
    expect(await some.complete('file:///a.md', 0, 4)).toEqual({ items: [] });
    expect(await some.completionText(uri, 0, 4)).toBe('first(1);');
  });

  test('comes from the cache while the user types it, and is decoded again after other text', async () => {
    const client = await startServer({ engine: { answers } });
    const type = (character: number, text: string, version: number) =>
      client.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [{ range: { start: { line: 0, character }, end: { line: 0, character } }, text }],
      });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1);');
    await type(4, 'fi', 2);
    expect(await client.completionText(uri, 0, 6)).toBe('rst(1);');
    expect(client.events.filter((event) => event === 'decode')).toHaveLength(1);
    await type(6, 'x', 3);
    await client.completionText(uri, 0, 7);
    expect(client.events.filter((event) => event === 'decode')).toHaveLength(2);
  });

  test('reuses the KV cache of the text before the typed character', async () => {
    const client = await startServer({ engine: { answers: [{ when: '', text: '' }] } });
    await client.open(uri, `${'let value = 1;\n'.repeat(40)}x = `);
    await client.complete(uri, 40, 4);
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [{ range: { start: { line: 40, character: 4 }, end: { line: 40, character: 4 } }, text: 'y' }],
    });
    await client.complete(uri, 40, 5);
    const second = client.events.filter((event) => event.startsWith('prefill')).at(-1);
    expect(second).toMatch(/^prefill of [12] \(6\d\d reused\)$/);
  });
});

describe('a malformed request', () => {
  const position = { line: 0, character: 0 };
  const textDocument = { uri };
  test.each([
    ['nothing', null, 'params must be an object'],
    ['no document', { position }, 'textDocument must be an object'],
    ['a document without URI', { textDocument: {}, position }, 'textDocument.uri must be a string'],
    ['no position', { textDocument }, 'position must be an object'],
    [
      'a text for a line',
      { textDocument, position: { line: '0', character: 0 } },
      'position.line must be a whole number',
    ],
    ['a negative character', { textDocument, position: { line: 0, character: -1 } }, 'position.character must be'],
    ['half a line', { textDocument, position: { line: 0.5, character: 0 } }, 'position.line must be a whole number'],
  ])('with %s gets InvalidParams, and the server goes on', async (_name, params, message) => {
    const client = await startServer({ engine: { answers } });
    const request = client.connection.sendRequest('textDocument/inlineCompletion', params);
    await expect(request).rejects.toMatchObject({ code: -32602, message: expect.stringContaining(message) as string });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1);');
  });

  test('for an unknown method is rejected', async () => {
    const client = await startServer();
    await expect(client.connection.sendRequest('fasa/unknown')).rejects.toMatchObject({ code: -32601 });
  });

  test('that is not JSON does not end the connection', async () => {
    const client = await startServer({ engine: { answers } });
    client.child.stdin?.write('Content-Length: 9\r\n\r\n{"not": j');
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1);');
  });

  test('with bytes that are not UTF-8 is read with replacement characters', async () => {
    const client = await startServer({ engine: { answers: [{ when: 'a\ufffdb', text: 'good' }] } });
    const open = { textDocument: { uri, languageId: 'c', version: 1, text: 'aXb = ' } };
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'textDocument/didOpen', params: open }), 'utf8');
    body[body.indexOf('aXb') + 1] = 0xff;
    client.child.stdin?.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
    expect(await client.completionText(uri, 0, 6)).toBe('good');
  });
});
