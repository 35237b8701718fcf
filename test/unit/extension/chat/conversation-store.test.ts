import { randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Conversation } from '../../../../extension/chat/conversations/conversation';
import { toMarkdown } from '../../../../extension/chat/conversations/export';
import { ConversationStore } from '../../../../extension/chat/conversations/store';

vi.mock('node:crypto', { spy: true });

let folder = '';
let warnings: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-store-'));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => new ConversationStore(path.join(folder, 'conversations'), (text) => warnings.push(text));
const files = () => readdirSync(path.join(folder, 'conversations'));

function conversation(id: string, more: Partial<Conversation> = {}): Conversation {
  return {
    id,
    title: `Title ${id}`,
    created: '2026-01-01T00:00:00.000Z',
    changed: `2026-01-0${id.length}T00:00:00.000Z`,
    turns: [{ id: 't', question: 'What is a widget?', chips: [], answer: 'A thing.', state: 'done', citations: [] }],
    asked: [],
    ...more,
  };
}

describe('the conversation store', () => {
  test('lists saved conversations with the latest first after it is opened again', async () => {
    const store = open();
    await store.save(conversation('a'));
    await store.save(conversation('bb'));
    expect((await open().list()).map(({ id }) => id)).toEqual(['bb', 'a']);
    expect(await open().get('a')).toEqual(conversation('a'));
  });

  test('keeps what a question was asked with, with or without the line of its selection', async () => {
    const selection = { uri: 'file:///a.ts', text: 'let a;' };
    const asked = [selection, { ...selection, firstLine: 3 }].map((one, index) => ({
      turn: `${index}`,
      references: [],
      selection: one,
      attachments: [],
    }));
    await open().save(conversation('a', { asked }));
    expect((await open().get('a'))?.asked).toEqual(asked);
  });

  test('loses only the conversation whose file is truncated, at whatever byte', async () => {
    const store = open();
    await store.save(conversation('a'));
    await store.save(conversation('bb'));
    const file = path.join(folder, 'conversations', 'a.json');
    const whole = readFileSync(file);
    for (const length of [0, 1, 20, whole.length - 1]) {
      writeFileSync(file, whole);
      truncateSync(file, length);
      expect((await open().list()).map(({ id }) => id)).toEqual(['bb']);
    }
    expect(warnings).toHaveLength(4);
    expect(files()).toContain('a.json');
  });

  test('leaves files of another version or name, or with unknown fields, as they are', async () => {
    await open().save(conversation('a'));
    const file = path.join(folder, 'conversations', 'a.json');
    const stored = JSON.parse(readFileSync(file, 'utf8')) as object;
    for (const bad of [
      { ...stored, version: 2 },
      { ...stored, id: '../a' },
      { ...stored, turns: [{}] },
      { ...stored, x: 1 },
    ]) {
      writeFileSync(file, JSON.stringify(bad));
      expect(await open().list()).toEqual([]);
    }
  });

  test('leaves no temporary files, and removes those of a crash', async () => {
    const store = open();
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.save(conversation('a', { title: `${index}` }))));
    expect(files()).toEqual(['a.json']);
    expect((await open().get('a'))?.title).toBe('19');
    writeFileSync(path.join(folder, 'conversations', 'a-1-1.tmp'), '{"half');
    await open().list();
    expect(files()).toEqual(['a.json']);
  });

  test('loads a conversation that was being answered as stopped', async () => {
    const turns = [{ id: 't', question: 'q', chips: [], answer: 'half', state: 'answering', citations: [] } as const];
    await open().save(conversation('a', { turns }));
    expect((await open().get('a'))?.turns[0]).toMatchObject({ state: 'stopped', answer: 'half' });
  });

  test('renames, deletes and searches conversations', async () => {
    const store = open();
    await store.save(conversation('a'));
    await store.save(conversation('bb', { title: 'Other' }));
    await store.rename('a', '  Parsers ');
    expect((await store.search('parsers widget')).map(({ conversation: { id } }) => id)).toEqual(['a']);
    expect((await store.search('THING.'))[0]?.found).toContain('A thing');
    expect(await store.search('nowhere')).toEqual([]);
    await store.delete('a');
    expect((await open().list()).map(({ id }) => id)).toEqual(['bb']);
  });

  test('writes no file outside its folder, whatever the id of a conversation', async () => {
    await open().save(conversation('../../outside'));
    expect(files()).toEqual(['______outside.json']);
    expect(readdirSync(folder)).toEqual(['conversations']);
  });

  describe.skipIf(process.platform === 'win32')('does not write through a link', () => {
    const outside = () => path.join(folder, 'outside');
    const inside = (name: string) => path.join(folder, 'conversations', name);
    beforeEach(() => {
      mkdirSync(path.join(folder, 'conversations'));
      writeFileSync(outside(), 'theirs');
    });
    afterEach(() => expect(readFileSync(outside(), 'utf8')).toBe('theirs'));

    test('that has the name of the temporary file', async () => {
      const store = open();
      await store.list();
      vi.mocked(randomBytes).mockImplementationOnce(() => Buffer.from('01020304', 'hex'));
      symlinkSync(outside(), inside(`a.json.${process.pid}.01020304.tmp`));
      await store.save(conversation('a'));
      expect(warnings).toEqual([expect.stringMatching(/not saved: .*EEXIST/)]);
      await store.save(conversation('a'));
      expect(await open().get('a')).toEqual(conversation('a'));
    });

    test('that has the name of the file', async () => {
      const store = open();
      await store.list();
      symlinkSync(outside(), inside('a.json'));
      await store.save(conversation('a'));
      expect(lstatSync(inside('a.json')).isFile()).toBe(true);
    });

    test('that has the name of the copy of a file with invalid entries', async () => {
      await open().save(conversation('a'));
      const stored = JSON.parse(readFileSync(inside('a.json'), 'utf8')) as Conversation;
      const before = JSON.stringify({ ...stored, turns: [...stored.turns, {}] });
      writeFileSync(inside('a.json'), before);
      symlinkSync(outside(), inside('a.json.as-it-was'));
      await open().save(conversation('a'));
      expect(readFileSync(inside('a.json.as-it-was'), 'utf8')).toBe(before);
    });
  });
});

test('the export closes the code block that a stopped answer left open', () => {
  const text = toMarkdown(
    conversation('a', {
      title: 'Two\nlines',
      turns: [
        {
          id: 't',
          question: 'Why?',
          command: 'fix',
          chips: [{ id: 'c', kind: 'file', label: 'a`b.ts' }],
          answer: 'So:\n```js\nlet a',
          state: 'stopped',
          citations: [{ uri: 'file:///x', path: 'src/a.ts', firstLine: 3, lastLine: 9, share: 0.25 }],
        },
      ],
    }),
  );
  expect(text).toBe(
    "# Two lines\n\n2026-01-01\n\n## Question\n\n/fix Why?\n\nContext: `a'b.ts`\n\n## Answer\n\nSo:\n```js\nlet a\n```\n\n(stopped)\n\nSources:\n\n- `src/a.ts:3-9` 25.0 %\n",
  );
});
