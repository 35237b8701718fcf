import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Conversation } from '../../../extension/chat/conversations/conversation';
import { ConversationStore } from '../../../extension/chat/conversations/store';
import { storedJson } from '../../../extension/chat/conversations/stored-json';
import { boundMessages, countedPieces, recentHistory } from '../../../extension/chat/native-request';
import { boundContext, candidateOf, type QuestionContext } from '../../../extension/chat/question/question-context';
import { ChatSession } from '../../../extension/chat/session';
import { candidatesMessage, conversationsMessage, serverMessage, sizeView } from '../../../extension/chat/views';
import { filesOf, nowOf } from '../../../extension/dashboard/views';
import { wellFormed } from '../../../language-server/base/text';
import { askParams } from '../../../language-server/chat/params';
import {
  type Chip,
  checkToHost,
  checkToView,
  mentionKinds,
  type ToView,
} from '../../../language-server/protocol/chat-page';
import { cutEnd, cutMiddle } from '../../../language-server/protocol/cut';
import { checkToView as checkToDashboard } from '../../../language-server/protocol/dashboard-page';
import { limits } from '../../../language-server/protocol/limits';
import type { AskResult, AskSizePart, ContextFile, Status } from '../../../language-server/protocol/server';
import { Random } from '../../native/tools/random';

let folder = '';
let warnings: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-limits-'));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => new ConversationStore(folder, (text) => warnings.push(text));
const stats = {
  kind: 'chat',
  firstTokenMs: 5,
  tokens: 3,
  tokensPerSecond: 100,
  reusedTokens: 1,
  fedTokens: 2,
  bytesReadPerToken: 7,
} as const;
const noContext: QuestionContext = { chips: [], references: [], attachments: [] };

interface Asking {
  readonly context?: QuestionContext;
  readonly result?: Partial<AskResult>;
  readonly fails?: string;
  readonly path?: (uri: string) => string;
}

/** A session whose messages pass the page's check, without anything left out. */
function session({ context = noContext, result = {}, fails, path: pathOf = (uri) => uri }: Asking) {
  const posted: ToView[] = [];
  const questions: unknown[] = [];
  const chat = new ChatSession({
    store: open(),
    engine: {
      ask: async (question) => {
        questions.push(question);
        if (fails !== undefined) {
          throw new Error(fails);
        }
        return { text: 'An answer.', citations: [], stats, ...result };
      },
      size: async () => ({ roomTokens: 100, answerTokens: 10, tokens: 20, fits: true, parts: [], ...result.size }),
      chat: () => Promise.reject(new Error('not asked')),
      countTokens: () => Promise.reject(new Error('not asked')),
    },
    post: (message) => {
      expect(checkToView(message)).toEqual(message);
      posted.push(message);
    },
    path: pathOf,
    context: async () => context,
    asked: () => undefined,
    trusted: true,
    warn: (text) => warnings.push(text),
  });
  return { chat, posted, questions };
}

const deep = (length: number, part = 'some-folder/') => `${part.repeat(Math.ceil(length / part.length))}a.ts`;
const uriOf = (file: string) => `file:///w/${file.split('/').map(encodeURIComponent).join('/')}`;
const selectedIn = (uri: string, text: string) => ({ uri, text, firstLine: 0 });

describe('a file that is mentioned', () => {
  const files = [
    ['of 96 characters', deep(84)],
    ['of 4,096 characters', deep(4080)],
    ['of East Asian names', deep(1300, '文件夹/')],
    ['of characters beyond the first plane', deep(2000, '𝔁𝔂/')],
    ['with a direction override and an escape', deep(300, 'a\u202eb\u001b/')],
  ] as const;

  test.each(files)('%s can be offered, chosen, asked with and stored', async (_name, file) => {
    const uri = uriOf(file);
    const candidates = [candidateOf('file', 'file:///w/b.ts', 'b.ts'), candidateOf('file', uri, file)];
    const message = candidatesMessage(1, candidates, 2);
    expect(checkToView(message)).toEqual(message);
    expect(candidates[0]?.id).not.toBe(candidates[1]?.id);
    for (const { id } of candidates) {
      expect(checkToHost({ kind: 'addChip', id, type: 'file' })).toMatchObject({ id });
    }
    const { chat, questions } = session({ context: { chips: candidates, references: [{ uri }], attachments: [] } });
    await chat.ask('Why?');
    expect(questions[0]).toMatchObject({ references: [{ uri }] });
    expect(askParams(questions[0])).toMatchObject({ references: [{ uri }] });
    expect(await open().get(chat.conversation.id)).toEqual(chat.conversation);
    expect(chat.conversation.turns[0]?.chips).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  test('gets a different id when its name differs only at the very end', () => {
    const ids = ['1', '2', '3'].map((end) => candidateOf('file', uriOf(deep(4000)) + end, 'a').id);
    expect(new Set(ids).size).toBe(3);
    expect(candidateOf('folder', 'x', 'x').id).not.toBe(candidateOf('file', 'x', 'x').id);
  });

  test('comes with a count of the candidates that do not fit', () => {
    const candidates = Array.from({ length: 237 }, (_, at) => candidateOf('file', `${at}`, `${at}`));
    expect(candidatesMessage(1, candidates, 237)).toMatchObject({ more: 37 });
    expect(candidatesMessage(1, candidates.slice(0, 30), 67)).toMatchObject({ more: 37 });
    expect(candidatesMessage(1, candidates.slice(0, 30), 30)).not.toHaveProperty('more');
  });
});

describe('a question over a limit is cut, and says so', () => {
  const chip = (id: string, more: Partial<Chip> = {}): Chip => ({ id, kind: 'file', label: id, ...more });
  const many = <T>(count: number, make: (at: number) => T) => Array.from({ length: count }, (_, at) => make(at));
  const inputs: readonly (readonly [string, QuestionContext, readonly string[]])[] = [
    ['201 chips', { ...noContext, chips: many(201, (at) => chip(`c${at}`)) }, []],
    ['1,000 chips with long ids', { ...noContext, chips: many(1000, (at) => chip(`${at}`.padStart(101, 'x'))) }, []],
    ['a label over 1,000', { ...noContext, chips: [chip('c', { label: deep(1001), detail: deep(4096) })] }, []],
    [
      '237 references',
      { ...noContext, references: many(237, (at) => ({ uri: `file:///${at}` })) },
      ['and 37 more: at most 200 files and folders can be attached'],
    ],
    [
      '201 texts',
      { ...noContext, attachments: many(201, (at) => ({ label: `${at}`, text: 'x' })) },
      ['and 1 more: at most 200 texts can be attached'],
    ],
    [
      'a text over 4 MiB',
      { ...noContext, attachments: [{ label: deep(1200), text: '😀'.repeat(2 * 1024 * 1024 + 1) }] },
      [`${cutMiddle(deep(1200), 1000)}: too long: only its beginning is included`],
    ],
    [
      'texts over 8 MiB together',
      { ...noContext, attachments: many(5, (at) => ({ label: `${at}`, text: 'x'.repeat(3 * 1024 * 1024) })) },
      [2, 3, 4].map((at) => `${at}: too long: only its beginning is included`),
    ],
    [
      'a selection over 4 MiB',
      { ...noContext, selection: selectedIn('file:///a', 'y'.repeat(5_000_000)) },
      ['The selection: too long: only its beginning is included'],
    ],
    [
      'an address without end',
      { ...noContext, references: [{ uri: `file:///${'x'.repeat(400_000)}` }, { uri: 'file:///b' }] },
      [`${cutMiddle(`file:///${'x'.repeat(400_000)}`, 1000)}: its URI is too long`],
    ],
    [
      'what cannot be read',
      { ...noContext, unread: [{ label: 'f in a.ts', reason: 'cannot be read: it is gone' }] },
      ['f in a.ts: cannot be read: it is gone'],
    ],
  ];

  test.each(inputs)('%s', async (_name, context, said) => {
    const { chat, posted, questions } = session({ context, result: { size: await sizes() } });
    await chat.measure('Why?');
    await chat.ask('Why?');
    const [turn] = chat.conversation.turns;
    expect(turn?.state).toBe('done');
    expect(() => askParams(questions[0])).not.toThrow();
    for (const size of [turn?.size, posted.find((message) => message.kind === 'size')?.size]) {
      expect(size?.parts.map(({ label, reason }) => `${label}: ${reason}`)).toEqual(said);
    }
    expect(warnings.map((line) => line.replace('Context of the question: ', ''))).toEqual(said);
    warnings = [];
    expect(await open().get(chat.conversation.id)).toEqual(chat.conversation);
    await chat.retry(turn?.id ?? '');
    expect(chat.conversation.turns[0]?.state).toBe('done');
    expect(warnings).toEqual([]);
  });

  test('replaces chips that are not shown by a last chip with their count', () => {
    const { chips } = boundContext({ ...noContext, chips: many(237, (at) => chip(`c${at}`)) });
    expect(chips).toHaveLength(200);
    expect(chips.at(-1)).toMatchObject({ label: 'and 38 more' });
  });

  test('tells the model that a text was cut', () => {
    const { attachments } = boundContext({ ...noContext, attachments: [{ label: 'a', text: 'z'.repeat(4_200_000) }] });
    expect(attachments[0]?.text.length).toBe(limits.text);
    expect(attachments[0]?.text).toMatch(/z\n\[Truncated: the whole text has 4200000 characters\.\]$/);
  });

  test.each([4001, 12_000, 100_000])('keeps the turn and the remedy of a problem of %i characters', async (length) => {
    const { chat } = session({ fails: `The model ${'/long'.repeat(length / 5)} is gone. Choose another.` });
    await chat.ask('Why?');
    const problem = chat.conversation.turns[0]?.problem ?? '';
    expect(problem).toMatch(/^The model .*…/);
    expect(problem).toMatch(/is gone\. Choose another\.$/);
    expect(await open().get(chat.conversation.id)).toEqual(chat.conversation);
  });

  test('keeps the turn of a citation with a long path, and the citation opens its file', async () => {
    const uri = uriOf(deep(4000));
    const range = { start: { line: 0, character: 0 }, end: { line: 3, character: 0 } };
    const citations = [
      { uri, range, share: 0.5 },
      { uri: `file:///${'x'.repeat(400_000)}`, range, share: 0.3 },
      { uri: 'file:///b', range, share: 0.2 },
    ];
    const { chat } = session({ result: { citations } });
    await chat.ask('Why?');
    const [first, second] = chat.conversation.turns[0]?.citations ?? [];
    expect(first).toMatchObject({ uri, path: cutMiddle(uri, limits.label) });
    expect(second?.uri).toBe('file:///b');
    expect(warnings).toEqual([expect.stringContaining('A citation is not shown')]);
    expect((await open().get(chat.conversation.id))?.turns[0]?.citations).toHaveLength(2);
  });

  test('refuses a question that is too long, with a sentence', async () => {
    const { chat, questions } = session({});
    const long = 'x'.repeat(limits.question + 1);
    await expect(chat.ask(long)).rejects.toThrow('the maximum is 262,144');
    await chat.ask('Why?');
    await expect(chat.edit(chat.conversation.turns[0]?.id ?? '', long)).rejects.toThrow('262,145 characters');
    expect(chat.conversation.turns.map(({ question }) => question)).toEqual(['Why?']);
    await chat.ask('x'.repeat(limits.question));
    expect(() => askParams(questions[1])).not.toThrow();
  });

  test('cuts a title between characters', async () => {
    const { chat } = session({});
    await chat.ask('😀'.repeat(100));
    expect(chat.conversation.title).toBe(`${'😀'.repeat(29)}…`);
    const store = open();
    await store.rename(chat.conversation.id, '😀'.repeat(150));
    expect((await store.get(chat.conversation.id))?.title).toBe(`${'😀'.repeat(99)}…`);
  });

  test('lists the parts that were cut first when a prompt has too many parts', () => {
    const part = (at: number): AskSizePart => ({
      kind: 'file',
      label: `${at}`,
      tokens: 1,
      includedTokens: 1,
      ...(at % 100 === 0 ? { reason: 'no room left' } : {}),
    });
    const size = { roomTokens: 1, answerTokens: 1, tokens: 1, fits: true, parts: many(3000, part) };
    const { parts } = sizeView(size, []);
    expect(parts).toHaveLength(1000);
    expect(parts.filter(({ reason }) => reason !== undefined)).toHaveLength(30);
    expect(parts.at(-1)).toEqual({ kind: 'file', label: 'and 2001 more', includedTokens: 2001 });
  });

  test('says how many more conversations there are than listed', async () => {
    const all = many(1037, (at) => ({ conversation: conversation(`${at}`, { title: deep(2000) }) }));
    const message = conversationsMessage('', all);
    expect(checkToView(message)).toEqual(message);
    expect(message).toMatchObject({ more: 37 });
  });
});

describe('the editor\u2019s own chat', () => {
  test('sends its latest turns, as many as the server takes', () => {
    const turns = Array.from({ length: 1500 }, (_, at) => ({ question: `${at}`, answer: 'x'.repeat(10) }));
    const history = recentHistory(turns);
    expect(history.at(-1)?.question).toBe('1499');
    expect(askParams({ question: 'Why?', history }).history).toEqual(history);
    // a client that brings all of them is answered, too
    expect(askParams({ question: 'Why?', history: turns }).history).toEqual(turns.slice(-1000));
  });

  test('keeps its instructions and its latest messages when there are too many', () => {
    const messages = [
      { role: 'system' as const, text: 'Be brief.' },
      ...Array.from({ length: 1200 }, (_, at) => ({ role: 'user' as const, text: `${at}` })),
      { role: 'user' as const, text: 'y'.repeat(5_000_000) },
    ];
    const bounded = boundMessages(messages);
    expect(bounded).toHaveLength(1000);
    expect(bounded[0]?.text).toBe('Be brief.');
    expect(bounded.at(-1)?.text).toMatch(/y\n\[The rest was too long\.\]$/);
    expect(bounded.at(-1)?.text.length).toBe(limits.text);
  });

  test.each(['', 'x', '😀'.repeat(1_500_000), 'é'.repeat(5_000_000)])(
    'counts the tokens of a whole long text in parts',
    (text) => {
      const pieces = countedPieces(text);
      expect(pieces.join('') === text).toBe(true);
      expect(pieces.every((piece) => Buffer.byteLength(piece) <= 4 * 1024 * 1024)).toBe(true);
    },
  );
});

describe('a stored conversation', () => {
  const file = () => path.join(folder, 'a.json');
  const turnOf = (id: string) => conversation('x').turns.map((turn) => ({ ...turn, id }))[0] ?? {};
  const three = [turnOf('1'), turnOf('2'), turnOf('3')];
  const badTurns: readonly (readonly [string, object])[] = [
    ['that is none', {}],
    ['with an answer over 4 MiB', { ...turnOf('2'), answer: 'x'.repeat(limits.text + 1) }],
    ['in a state of another version', { ...turnOf('2'), state: 'thinking' }],
    ['with a field of another version', { ...turnOf('2'), mood: 'good' }],
  ];

  test.each(badTurns)('keeps its other turns and its file when one turn is bad: %s', async (_name, bad) => {
    await open().save(conversation('a'));
    const stored = JSON.stringify({ version: 1, ...conversation('a'), turns: [three[0], bad, three[2]] });
    writeFileSync(file(), stored);
    const store = open();
    expect((await store.list()).map(({ turns }) => turns.map(({ id }) => id))).toEqual([['1', '3']]);
    expect(warnings).toEqual([expect.stringContaining('turns[1]')]);
    expect(readFileSync(file(), 'utf8')).toBe(stored);
    // the file as it was is there after the conversation goes on, and goes with it
    await store.rename('a', 'Other');
    expect(readFileSync(`${file()}.as-it-was`, 'utf8')).toBe(stored);
    expect((await open().get('a'))?.title).toBe('Other');
    await store.delete('a');
    expect(readdirSync(folder)).toEqual([]);
  });

  const entries: readonly (readonly [string, object, object])[] = [
    ['a chip with a long id', { chips: [{ id: `file ${uriOf(deep(200))}`, kind: 'file', label: 'a' }] }, {}],
    ['a chip with a long label', { chips: [{ id: 'c', kind: 'file', label: deep(4000) }] }, {}],
    ['201 chips', { chips: Array.from({ length: 201 }, (_, at) => ({ id: `${at}`, kind: 'file', label: 'a' })) }, {}],
    ['a chip of another kind', { chips: [{ id: 'c', kind: 'terminal', label: 'a' }] }, { chips: [] }],
    ['a long problem', { state: 'failed', problem: deep(9000) }, {}],
    ['a citation of a long path', { citations: [citationOf({ path: deep(4000) })] }, {}],
    [
      'a citation of no share',
      { citations: [citationOf({ share: null }), citationOf({})] },
      { citations: [citationOf({})] },
    ],
    ['figures that are none', { stats: { tokens: -1 } }, {}],
  ];

  test.each(entries)('keeps all its turns with %s', async (_name, more, read) => {
    writeFileSync(
      file(),
      JSON.stringify({ version: 1, ...conversation('a'), turns: [three[0], { ...three[1], ...more }] }),
    );
    const turns = (await open().get('a'))?.turns ?? [];
    expect(turns.map(({ id }) => id)).toEqual(['1', '2']);
    expect(turns[1]).toMatchObject(read);
    expect(checkToView({ kind: 'conversation', id: 'a', title: '', earlier: 0, turns })).toMatchObject({ turns });
  });

  test('drops only the attachments over a limit: a text over 4 MiB, a huge address, more than 200 texts', async () => {
    const attachments = [
      { label: 'large', text: 'x'.repeat(limits.text + 1) },
      { label: 'b', text: 'b' },
    ];
    const references = [{ uri: 'x'.repeat(limits.uri + 1) }, { uri: 'file:///b' }];
    const texts = Array.from({ length: 201 }, (_, at) => ({ label: `${at}`, text: 'x' }));
    const asked = [
      { turn: '1', references, attachments },
      { turn: '2', references: [], attachments: texts },
    ];
    writeFileSync(file(), JSON.stringify({ version: 1, ...conversation('a'), turns: three, asked }));
    const [first, second] = (await open().get('a'))?.asked ?? [];
    expect(first).toEqual({ turn: '1', references: references.slice(1), attachments: attachments.slice(1) });
    expect(second?.attachments).toHaveLength(200);
    expect(warnings[0]).toMatch(/attachments\[0\]\.text.*has 1 more than the 200/);
  });

  test('loses texts of old questions first, then old turns, when its file would be too large, and says so', () => {
    const large = { label: 'a', text: 'x'.repeat(1000) };
    const asked = three.map((_, at) => ({ turn: `${at + 1}`, references: [], attachments: [large, large] }));
    const one = {
      version: 1,
      ...conversation('a', { asked }),
      turns: conversation('a').turns.flatMap((turn) => ['1', '2', '3'].map((id) => ({ ...turn, id }))),
    };
    expect(storedJson(one).left).toEqual([]);
    const { json, left } = storedJson(one, 4500);
    expect(left).toEqual(['the texts that were attached to questions, except the last ones']);
    expect(json.match(/x{1000}/g)).toHaveLength(2);
    expect(json.match(/too large to be stored/g)).toHaveLength(4);
    const less = storedJson(one, 700);
    expect(less.left.at(-1)).toMatch(/^the first \d of 3 questions$/);
    expect(less.json).toContain('"id":"3"');
    expect(() => storedJson(one, 100)).toThrow('too large to be stored');
  });

  test('is restored when its questions had large texts', async () => {
    const context = { ...noContext, attachments: [{ label: 'log', text: '\u0001'.repeat(limits.text) }] };
    const { chat } = session({ context });
    for (let count = 0; count < 2; count++) {
      await chat.ask('Why?');
    }
    const again = await open().get(chat.conversation.id);
    expect(again?.turns).toEqual(chat.conversation.turns);
    expect(again?.asked.map(({ attachments }) => attachments[0]?.text.length)).toEqual([61, limits.text]);
    expect(warnings.at(-1)).toContain('is not stored completely');
  });
});

describe('names and problems of any length open the pages', () => {
  const names = [
    'M'.repeat(1001),
    '模'.repeat(100_000),
    `a\u202e${'\u200b'.repeat(5000)}b`,
    '\u001b]52;c;aaaa\u0007\n[error] x',
  ];

  test.each(names)('%#', (name) => {
    const status: Status = {
      state: 'ready',
      model: {
        name,
        architecture: 'llama',
        parameters: 1,
        quantization: 'q4_1',
        trainedContext: 1,
        bytes: 1,
        fillInTheMiddle: false,
      },
      device: { kind: 'gpu', name, threads: 2, memoryUsed: 1, memoryFree: 1 },
      problem: { code: 'INTERNAL', message: name, remedy: 'Choose another.' },
    };
    const server = serverMessage({ life: 'running', status }, true);
    expect(checkToView(server)).toEqual(server);
    expect(server.ready).toBe(true);
    expect(server.problem?.endsWith('Choose another.')).toBe(true);
    const now = { kind: 'now', now: nowOf(status) };
    expect(checkToDashboard(now)).toEqual(now);
  });

  test('and so do files with any path; those beyond the list are counted', () => {
    const file = (at: number): ContextFile => ({
      path: `${at}${deep(4000)}`,
      tokens: 1,
      state: 'left out',
      chunks: 0,
      chunksEncoded: 0,
      reason: deep(3000),
    });
    const one = {
      uri: 'file:///w',
      name: deep(1200),
      files: Array.from({ length: 5037 }, (_, at) => file(at)),
      tokens: 1,
      tokensEncoded: 1,
      budgetTokens: 1,
    };
    const message = { kind: 'files', files: filesOf([one, one]) };
    expect(checkToDashboard(message)).toEqual(message);
    expect(message.files).toMatchObject({ files: 2 * 5037 });
  });
});

test('a bad entry of a message is left out and reported, and its neighbours stay', () => {
  const candidates = [
    candidateOf('file', 'a', 'a'),
    { id: 'x'.repeat(101), kind: 'file', label: 'b' },
    candidateOf('file', 'c', 'c'),
  ];
  const message = { kind: 'candidates', request: 1, candidates };
  expect(() => checkToView(message)).toThrow('candidates.candidates[1].id');
  const left: string[] = [];
  const taken = checkToView(message, (what) => left.push(what));
  expect(taken).toEqual({ ...message, candidates: [candidates[0], candidates[2]] });
  expect(left).toEqual([expect.stringContaining('candidates.candidates[1].id')]);
  const server = { kind: 'server', ready: true, trusted: true, model: 1 };
  expect(checkToView(server, (what) => left.push(what))).toEqual({ kind: 'server', ready: true, trusted: true });
});

describe('with random values', () => {
  const random = new Random(20_14);
  const alphabets = [
    'abc/._-',
    '\u0000\u001b\u0007\n\r\t',
    '\u202e\u200b\u2066\u05d0\u0627/',
    '😀𝔁𝕏/',
    '\ud800\udc00x',
    '文件夹e\u0301',
  ];
  const textOf = (most: number): string => {
    const units = random.below(4) === 0 ? random.below(most) : random.below(Math.min(most, 60));
    let made = '';
    while (made.length < units) {
      const alphabet = [...(alphabets[random.below(alphabets.length)] ?? 'x')];
      made += (alphabet[random.below(alphabet.length)] ?? 'y').repeat(1 + random.below(Math.max(1, units >> 2)));
    }
    return made;
  };
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: random.below(most) }, make);
  const maybe = <T>(value: T): T | undefined => (random.below(2) === 0 ? value : undefined);
  const uri = () => pathToFileURL(`/${wellFormed(textOf(4096)).replaceAll('\u0000', '')}`).href;
  const range = () => {
    const line = random.below(1e6);
    return {
      start: { line, character: random.below(9) },
      end: { line: line + random.below(50), character: random.below(2) },
    };
  };

  test('a cut text is within its limit, and no character is halved', () => {
    for (let round = 0; round < 2000; round++) {
      const text = textOf(400);
      const most = 1 + random.below(300);
      for (const cut of [cutMiddle(text, most), cutEnd(text, most)]) {
        expect(cut.length).toBeLessThanOrEqual(most);
        if (wellFormed(text) === text) {
          expect(wellFormed(cut)).toBe(cut);
        }
        expect(text.length > most ? cut.includes('…') : cut === text).toBe(true);
      }
    }
  });

  test('messages pass the check of the other side, and saved conversations are read back equal', async () => {
    for (let round = 0; round < 60; round++) {
      const context: QuestionContext = {
        chips: some(round % 10 === 0 ? 400 : 9, () => {
          const kind = mentionKinds[random.below(mentionKinds.length)] ?? 'file';
          return candidateOf(kind, textOf(4096), textOf(4096), maybe(textOf(4096)));
        }),
        references: some(round % 10 === 1 ? 400 : 9, () => ({ uri: uri() })),
        attachments: some(round % 10 === 2 ? 400 : 9, () => ({ label: textOf(5000), text: textOf(9000) })),
        ...(random.below(2) === 0 ? {} : { selection: selectedIn(uri(), textOf(5000)) }),
      };
      const parts = some(round % 10 === 3 ? 3000 : 9, (): AskSizePart => {
        const reason = maybe(textOf(3000));
        return {
          kind: 'file',
          label: textOf(4096),
          includedTokens: random.below(99),
          ...(reason === undefined ? {} : { reason }),
        };
      });
      const { chat, posted } = session({
        context,
        result: {
          text: textOf(20_000),
          citations: some(round % 10 === 4 ? 300 : 7, () => ({ uri: uri(), range: range(), share: random.uniform() })),
          size: { roomTokens: 9, answerTokens: 9, tokens: 9, fits: true, parts },
        },
        ...(random.below(4) === 0 ? { fails: textOf(20_000) } : {}),
      });
      await chat.ask(`Why ${textOf(5000)}?`);
      await chat.measure('And?');
      expect(posted.length).toBeGreaterThan(1);
      warnings = [];
      const store = open();
      await store.rename(chat.conversation.id, `T${textOf(3000)}`);
      const kept = await store.get(chat.conversation.id);
      expect(await open().get(chat.conversation.id)).toEqual(kept);
      expect(kept?.turns).toEqual(chat.conversation.turns);
      const list = conversationsMessage('', await store.search(''));
      expect(checkToView(list)).toEqual(list);
      expect(warnings).toEqual([]);
      await store.delete(chat.conversation.id);
    }
  });
});

async function sizes() {
  return { roomTokens: 100, answerTokens: 10, tokens: 20, fits: true, parts: [] };
}

function citationOf(more: object): object {
  return { uri: 'file:///a', path: 'a', firstLine: 1, lastLine: 2, share: 0.5, ...more };
}

function conversation(id: string, more: Partial<Conversation> = {}): Conversation {
  return {
    id,
    title: `Title ${id}`,
    created: '2026-01-01T00:00:00.000Z',
    changed: '2026-01-01T00:00:00.000Z',
    turns: [{ id: 't', question: 'What?', chips: [], answer: 'A thing.', state: 'done', citations: [] }],
    asked: [],
    ...more,
  };
}
