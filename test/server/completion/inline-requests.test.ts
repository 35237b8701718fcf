/** What an inline completion request may bring: a selected item, a notebook's cell, UTF-8 columns, the user's own wish. */

import { afterEach, describe, expect, test } from 'vitest';
import { type Client, startServer, stopServers } from '../tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const prefills = (client: Client) => client.events.filter((event) => event.startsWith('prefill'));
const decodes = (client: Client) => client.events.filter((event) => event === 'decode');

describe('the selected item of an open suggestion list', () => {
  const range = { start: { line: 0, character: 8 }, end: { line: 0, character: 10 } };

  test('is in the prompt as if it were inserted, and the completion extends it in its range', async () => {
    const client = await startServer({
      engine: {
        answers: [
          { when: 'console.log', text: '(1);\n' },
          { when: 'console.lo', text: 'bad' },
        ],
      },
    });
    await client.open(uri, 'console.lo;');
    const { items } = await client.complete(uri, 0, 10, { selectedCompletionInfo: { range, text: 'log' } });
    expect(items).toEqual([{ insertText: 'log(1)', range }]);
  });

  test('that is malformed gets InvalidParams', async () => {
    const client = await startServer();
    await client.open(uri, 'console.lo;');
    const request = client.complete(uri, 0, 10, { selectedCompletionInfo: { range: {}, text: 'log' } });
    await expect(request).rejects.toMatchObject({ code: -32602 });
  });
});

describe('a notebook', () => {
  const notebook = 'file:///project/book.ipynb';
  const cell = (index: number) => `vscode-notebook-cell:/project/book.ipynb#${index}`;
  const texts = ['import math', '# A title', 'radius = 2', 'area = ', 'print(area)'];

  test('is read as its cells joined by newlines, without those of other languages', async () => {
    const client = await startServer({
      engine: {
        fillInTheMiddle: true,
        answers: [
          { when: '# A title', text: 'bad' },
          { when: 'import math\nradius = 2\narea = {259}\nprint(area)', text: 'math.pi * radius\n' },
          { when: '', text: 'other' },
        ],
      },
    });
    const languageOf = (index: number) => (index === 1 ? 'markdown' : 'python');
    await client.connection.sendNotification('notebookDocument/didOpen', {
      notebookDocument: {
        uri: notebook,
        notebookType: 'jupyter-notebook',
        version: 1,
        cells: texts.map((_text, index) => ({ kind: index === 1 ? 1 : 2, document: cell(index) })),
      },
      cellTextDocuments: texts.map((text, index) => ({
        uri: cell(index),
        languageId: languageOf(index),
        version: 1,
        text,
      })),
    });
    const { items } = await client.complete(cell(3), 0, 7);
    const at = { line: 0, character: 7 };
    expect(items).toEqual([{ insertText: 'math.pi * radius', range: { start: at, end: at } }]);
  });
});

describe('columns in UTF-8', () => {
  const capabilities = { general: { positionEncodings: ['utf-8', 'utf-16'] } };

  test('are negotiated, read in changes and requests, and written in answers', async () => {
    const client = await startServer({
      capabilities,
      engine: { answers: [{ when: '"∀é" + x', text: '.length;\n' }] },
    });
    expect(client.initialized?.capabilities.positionEncoding).toBe('utf-8');
    await client.open(uri, 'a = "∀" + y');
    // two changes in one notification: the second is counted in what the first left
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [
        { range: { start: { line: 0, character: 8 }, end: { line: 0, character: 8 } }, text: 'é' },
        { range: { start: { line: 0, character: 14 }, end: { line: 0, character: 15 } }, text: 'x' },
      ],
    });
    const { items } = await client.complete(uri, 0, 15);
    const at = { line: 0, character: 15 };
    expect(items).toEqual([{ insertText: '.length;', range: { start: at, end: at } }]);
  });

  test('are not used with a client that prefers another encoding', async () => {
    const client = await startServer({ capabilities: { general: { positionEncodings: ['utf-16', 'utf-8'] } } });
    expect(client.initialized?.capabilities.positionEncoding).toBe('utf-16');
  });
});

describe('an automatic suggestion is skipped', () => {
  const answers = [{ when: '', text: 'name;' }];
  test.each([
    ['inside a word', 'const value = 1;', 8],
    ['after a closing bracket at the end of a line', 'call(a)', 7],
  ])('%s, but not when the user asks for it', async (_name, text, character) => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, text);
    expect(await client.complete(uri, 0, character)).toEqual({ items: [] });
    expect(client.events.join()).not.toContain('prefill');
    expect(await client.invoke(uri, 0, character)).toEqual(['name;']);
    expect(client.events.join()).toContain('prefill');
  });

  test('in a document larger than the setting allows', async () => {
    const client = await startServer({
      engine: { answers },
      initializationOptions: { completion: { mostFileKilobytes: 1 } },
    });
    await client.open(uri, `${'// text\n'.repeat(200)}x = `);
    expect(await client.complete(uri, 200, 4)).toEqual({ items: [] });
    expect(await client.invoke(uri, 200, 4)).toEqual(['name;']);
  });

  test('where a suggestion was read and dismissed', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('name;');
    await new Promise((resolve) => setTimeout(resolve, 700));
    await client.edit(uri, 2, 0, 4, 4, 'q');
    await new Promise((resolve) => setTimeout(resolve, 1600));
    await client.edit(uri, 3, 0, 4, 5, '');
    expect(await client.complete(uri, 0, 4)).toEqual({ items: [] });
    expect(await client.invoke(uri, 0, 4)).toEqual(['name;']);
  });
});

test('a model that misses the time budget is reported as slow until the settings change', async () => {
  const client = await startServer({
    engine: { answers: [{ when: '', text: 'abcdefghij;' }], prefillMs: 10, tokenMs: 60 },
    initializationOptions: { completion: { timeBudgetMs: 400 } },
  });
  await client.open(uri, 'x = ');
  for (let key = 0; key < 3; key++) {
    await client.complete(uri, 0, 4 + key);
    await client.edit(uri, 2 + key, 0, 4 + key, 4 + key, '_');
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  await client.until('the state', () => client.status?.slow?.cause === 'decoding');
  expect(client.status?.slow?.message).toContain('within 0.4 s');
  await client.connection.sendNotification('workspace/didChangeConfiguration', {
    settings: { completion: { timeBudgetMs: 5000 } },
  });
  await client.until('the end of it', () => client.status?.slow === undefined);
});

describe('alternative completions', () => {
  test('are sampled when the user asks, over the same KV cache, and come from the cache the next time', async () => {
    const client = await startServer({
      engine: { answers: [{ when: '', text: 'first;' }], samples: ['second;', 'first;', 'third;'] },
    });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first;');
    expect(decodes(client)).toHaveLength(1);
    expect(await client.invoke(uri, 0, 4)).toEqual(['first;', 'second;', 'third;']);
    for (const prefill of prefills(client).slice(1)) {
      expect(prefill).toMatch(/^prefill of 1 /);
    }
    const before = decodes(client).length;
    expect(await client.invoke(uri, 0, 4)).toEqual(['first;', 'second;', 'third;']);
    expect(decodes(client)).toHaveLength(before);
  });

  test('are left out when they would take too long', async () => {
    const client = await startServer({
      engine: { answers: [{ when: '', text: 'first;' }], samples: ['second;'], prefillMs: 400 },
      initializationOptions: { completion: { timeBudgetMs: 700 } },
    });
    await client.open(uri, 'x = ');
    expect(await client.invoke(uri, 0, 4)).toEqual(['first;']);
  });
});

describe('typing', () => {
  const answers = [{ when: '', text: 'compute(1, 2);\n' }];

  test('a suggestion, deleting and typing it again decodes once', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('compute(1, 2);');
    await client.edit(uri, 2, 0, 4, 4, 'comp');
    expect(await client.completionText(uri, 0, 8)).toBe('ute(1, 2);');
    await client.edit(uri, 3, 0, 6, 8, '');
    expect(await client.completionText(uri, 0, 6)).toBe('mpute(1, 2);');
    await client.edit(uri, 4, 0, 6, 6, 'mpute');
    // the editor closes the bracket that is typed
    await client.edit(uri, 5, 0, 11, 11, '()');
    const { items } = await client.complete(uri, 0, 12);
    expect(items).toEqual([
      { insertText: '1, 2);', range: { start: { line: 0, character: 12 }, end: { line: 0, character: 13 } } },
    ]);
    expect(decodes(client)).toHaveLength(1);
  });

  test('faster than the model answers delays decoding, and reuses what is prefilled meanwhile', async () => {
    const client = await startServer({ engine: { answers, tokenMs: 40 } });
    await client.open(uri, 'x = ');
    await client.complete(uri, 0, 4);
    let version = 2;
    for (let key = 0; key < 6; key++) {
      await client.edit(uri, version++, 0, 4 + key, 4 + key, 'q');
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    const before = decodes(client).length;
    await client.edit(uri, version++, 0, 10, 10, 'r');
    const answer = client.complete(uri, 0, 11);
    await client.until('the feed', () => prefills(client).length > 1);
    await answer;
    // one pass of the fake engine that only feeds, one that decodes what is left
    expect(decodes(client).length - before).toBe(2);
    expect(prefills(client).at(-1)).toMatch(/^prefill of 1 /);
  });
});

describe('after a suggestion was accepted', () => {
  test('the next one is decoded ahead of time, and comes from the cache', async () => {
    const client = await startServer({
      engine: {
        answers: [
          { when: 'x = first', text: ' + second;\n' },
          { when: '', text: 'first' },
        ],
      },
    });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first');
    await client.edit(uri, 2, 0, 4, 4, 'first');
    await client.until('the next one', () => decodes(client).length === 2);
    await client.until('its end', () => client.events.filter((event) => event.startsWith('done')).length === 2);
    expect(await client.completionText(uri, 0, 9)).toBe(' + second;');
    expect(decodes(client)).toHaveLength(2);
  });

  test('any request cancels the work ahead of time at once', async () => {
    const client = await startServer({
      engine: { answers: [{ when: '', text: 'first' }], tokenMs: 30 },
    });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first');
    await client.edit(uri, 2, 0, 4, 4, 'first');
    await client.until('the next one', () => decodes(client).length === 2);
    await client.edit(uri, 3, 0, 9, 9, ' /');
    await client.complete(uri, 0, 11);
    expect(client.events).toContain('cancelled in decode');
  });
});
