import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConversationStore } from '../../../../extension/chat/conversations/store';
import type { AskEvents, ChatEngine, Question } from '../../../../extension/chat/engine';
import { ChatSession, type QuestionContext } from '../../../../extension/chat/session';
import { checkToView, type ToView } from '../../../../language-server/protocol/chat-page';
import type { AskResult } from '../../../../language-server/protocol/server';

const stats = {
  kind: 'chat',
  firstTokenMs: 5,
  tokens: 3,
  tokensPerSecond: 100,
  reusedTokens: 1,
  fedTokens: 2,
  bytesReadPerToken: 7,
} as const;

/** Answers word by word, on a word of the test's. */
class WordEngine implements ChatEngine {
  readonly asked: Question[] = [];
  answer = 'one two three';
  fails: string | undefined;
  /** Words before it waits for {@link go}. */
  holdAfter = Number.POSITIVE_INFINITY;
  go: () => void = () => undefined;
  sizes = 0;

  async ask(question: Question, { onText }: AskEvents, signal: AbortSignal): Promise<AskResult> {
    this.asked.push(question);
    for (const [index, word] of this.answer.split(/(?<= )/).entries()) {
      if (index === this.holdAfter) {
        await new Promise<void>((resolve) => {
          this.go = resolve;
          signal.addEventListener('abort', () => resolve());
        });
      }
      if (signal.aborted) {
        throw new Error('cancelled');
      }
      onText(word);
      await Promise.resolve();
    }
    if (this.fails !== undefined) {
      throw new Error(this.fails);
    }
    const range = { start: { line: 4, character: 0 }, end: { line: 9, character: 0 } };
    return { text: this.answer, citations: [{ uri: 'file:///w/a.ts', range, share: 0.5 }], stats };
  }

  async size() {
    this.sizes++;
    return { roomTokens: 100, answerTokens: 10, tokens: 20, fits: true, parts: [] };
  }

  chat = () => Promise.reject(new Error('not asked'));
  countTokens = () => Promise.reject(new Error('not asked'));
}

let folder = '';
let posted: ToView[] = [];
let engine = new WordEngine();
let context: QuestionContext = { chips: [], references: [], attachments: [] };

function open(trusted = true): ChatSession {
  return new ChatSession({
    store: new ConversationStore(folder, () => undefined),
    engine,
    post: (message) => posted.push(checkToView(message)),
    path: (uri) => path.basename(uri),
    context: async () => context,
    asked: () => undefined,
    trusted,
    warn: () => undefined,
  });
}

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-session-'));
  posted = [];
  engine = new WordEngine();
  context = { chips: [], references: [], attachments: [] };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kinds = () => posted.map(({ kind }) => kind);
const answers = (session: ChatSession) => session.conversation.turns.map(({ answer, state }) => `${state} ${answer}`);

describe('the chat session', () => {
  test('streams an answer, adds its citations and figures at the end, and saves it', async () => {
    const session = open();
    await session.ask('Why?');
    const grown = posted.flatMap((message) => (message.kind === 'answer' ? [message.delta] : []));
    expect(grown.join('')).toBe('one two three');
    expect(kinds().at(0)).toBe('turn');
    expect(session.conversation.turns[0]).toMatchObject({
      state: 'done',
      citations: [{ path: 'a.ts', firstLine: 5, lastLine: 9, share: 0.5 }],
      stats: { tokens: 3 },
    });
    const again = open();
    await again.open(session.conversation.id);
    expect(again.conversation.title).toBe('Why?');
    expect(answers(again)).toEqual(['done one two three']);
  });

  test('keeps the text of a stopped answer, and sends it as history with the next question', async () => {
    engine.holdAfter = 2;
    const session = open();
    const asked = session.ask('Why?');
    await until(() => session.turn(session.conversation.turns[0]?.id ?? '')?.answer === 'one two ');
    await session.stop();
    await asked;
    expect(answers(session)).toEqual(['stopped one two ']);
    engine.holdAfter = Number.POSITIVE_INFINITY;
    await session.ask('And?');
    expect(engine.asked[1]?.history).toEqual([{ question: 'Why?', answer: 'one two' }]);
  });

  test('shows why a question failed, and leaves it out of the history', async () => {
    engine.fails = 'No model. Get one.';
    const session = open();
    await session.ask('Why?');
    expect(session.conversation.turns[0]).toMatchObject({ state: 'failed', problem: 'No model. Get one.' });
    engine.fails = undefined;
    await session.ask('And?');
    expect(engine.asked[1]?.history).toEqual([]);
  });

  test('removes the later turns when a question is asked again, edited or deleted', async () => {
    const session = open();
    context = {
      chips: [{ id: 'c', kind: 'file', label: 'a.ts' }],
      references: [{ uri: 'file:///w/a.ts' }],
      attachments: [],
    };
    await session.ask('First?');
    context = { chips: [], references: [], attachments: [] };
    await session.ask('Second?');
    const [first] = session.conversation.turns;
    await session.edit(first?.id ?? '', 'Other?');
    expect(session.conversation.turns.map(({ question }) => question)).toEqual(['Other?']);
    expect(engine.asked[2]).toMatchObject({ question: 'Other?', references: [{ uri: 'file:///w/a.ts' }], history: [] });
    // after a restart as well: what it was asked with is kept
    const again = open();
    await again.open(session.conversation.id);
    await again.retry(again.conversation.turns[0]?.id ?? '');
    expect(engine.asked[3]).toMatchObject({ question: 'Other?', references: [{ uri: 'file:///w/a.ts' }] });
    await again.delete(again.conversation.turns[0]?.id ?? '');
    expect(await new ConversationStore(folder, () => undefined).list()).toEqual([]);
  });

  test('ignores an empty question, and one that comes while another is answered', async () => {
    engine.holdAfter = 1;
    const session = open();
    const first = session.ask('Why?');
    await until(() => engine.asked.length === 1);
    await session.ask('Again?');
    await session.ask('  ');
    engine.go();
    await first;
    expect(engine.asked).toHaveLength(1);
  });

  test('asks for open files alone in an untrusted workspace', async () => {
    await open(false).ask('Why?');
    expect(engine.asked[0]?.openOnly).toBe(true);
  });
});

test('a long conversation is sent to the page in parts, latest first', async () => {
  const session = open();
  for (let count = 0; count < 45; count++) {
    await session.ask(`Question ${count}?`);
  }
  posted = [];
  session.show();
  const [shown] = posted;
  expect(shown).toMatchObject({ kind: 'conversation', earlier: 15 });
  session.showEarlier(session.conversation.turns[15]?.id ?? '');
  const [, before] = posted;
  expect(before).toMatchObject({ kind: 'earlier', earlier: 0 });
  expect(before?.kind === 'earlier' && before.turns.length).toBe(15);
  expect(engine.asked.at(-1)?.history).toHaveLength(20);
});

test('the size of a draft is sent, and an empty draft has none', async () => {
  const session = open();
  await session.measure('');
  await session.measure('Why?');
  expect(posted).toEqual([{ kind: 'size' }, { kind: 'size', size: expect.objectContaining({ tokens: 20 }) as object }]);
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!holds()) {
    if (Date.now() > deadline) {
      throw new Error('It did not come to that.');
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
