/**
 * The conversation in the panel: asks, stops, asks again, saves. It knows messages, the store and the chat engine, and no
 * editor, so that it runs in tests as it runs in the editor.
 */

import { withoutThoughts } from '../../language-server/protocol/answer/answer';
import type { Chip, ToView, TurnView } from '../../language-server/protocol/chat-page';
import { cutEnd, cutMiddle, startOf } from '../../language-server/protocol/cut';
import { limits } from '../../language-server/protocol/limits';
import type { AskCommand, AskResult, AskSizePart, AskTurn, Citation } from '../../language-server/protocol/server';
import { describeError, UserError } from '../errors';
import type { AskedWith, Conversation } from './conversations/conversation';
import type { ConversationStore } from './conversations/store';
import type { ChatEngine, Question } from './engine';
import { boundContext, checkQuestion, type QuestionContext } from './question/question-context';
import { citationView, sizeView } from './views';

interface SessionParts {
  readonly store: ConversationStore;
  readonly engine: ChatEngine;
  post(message: ToView): void;
  /** @returns the path below the folder of the workspace */
  path(uri: string): string;
  context(): Promise<QuestionContext>;
  /** Whether files that are not open may be read. */
  readonly trusted: boolean;
  /** Is called when a question was asked, so that what the user added for it can be removed. */
  asked(): void;
  warn(message: string): void;
}

export type { QuestionContext } from './question/question-context';

/** The interval of messages while an answer grows, and that of saving it meanwhile. Milliseconds. */
const postEveryMs = 30;
const saveEveryMs = 3000;
/** The maximum length of a title that is made from a question. */
const maxTitle = 60;
/** The number of turns that the page gets at once. */
const shownTurns = 30;
/** The number of earlier turns that are sent to the server, which keeps fewer. */
const maxHistory = 20;

export class ChatSession {
  readonly #parts: SessionParts;
  #conversation: Conversation = emptyConversation();
  #running: { readonly turn: string; readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  #sizing: AbortController | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  turn(id: string): TurnView | undefined {
    return this.#conversation.turns.find((turn) => turn.id === id);
  }

  /** Sends the whole state, for a page that has just been created. */
  show(): void {
    const { id, title, turns } = this.#conversation;
    const earlier = Math.max(0, turns.length - shownTurns);
    this.#parts.post({ kind: 'conversation', id, title, earlier, turns: turns.slice(earlier) });
  }

  /** Sends some of the turns before one: the page does not hold all of a long conversation. */
  showEarlier(id: string): void {
    const { turns } = this.#conversation;
    const end = turns.findIndex((turn) => turn.id === id);
    const start = Math.max(0, end - shownTurns);
    if (end > 0) {
      this.#parts.post({ kind: 'earlier', earlier: start, turns: turns.slice(start, end) });
    }
  }

  /**
   * Asks a question. Resolves when the answer has ended, was stopped or failed.
   * @throws UserError when the question or the conversation is too long
   */
  async ask(text: string, command?: AskCommand): Promise<void> {
    if (this.busy || (text.trim() === '' && command === undefined)) {
      return;
    }
    checkQuestion(text);
    if (this.#conversation.turns.length >= limits.turns) {
      throw new UserError(`This conversation has reached its limit of ${limits.turns} questions. Start a new one.`);
    }
    const context = boundContext(await this.#parts.context());
    if (this.busy) {
      return;
    }
    this.#parts.asked();
    await this.#ask(text, command, context.chips, context, context.left);
  }

  /** Asks the same question again, in place of this turn and those after it. */
  async retry(id: string): Promise<void> {
    const turn = this.turn(id);
    if (turn !== undefined) {
      await this.edit(id, turn.question);
    }
  }

  /** Asks another question in place of this turn and those after it. @throws UserError when it is too long */
  async edit(id: string, text: string): Promise<void> {
    const turn = this.turn(id);
    if (turn === undefined || (text.trim() === '' && turn.command === undefined)) {
      return;
    }
    checkQuestion(text);
    await this.stop();
    const with_ = this.#conversation.asked.find((one) => one.turn === id);
    this.#removeFrom(id);
    await this.#ask(text, turn.command, turn.chips, with_ ?? { references: [], attachments: [] });
  }

  /** Deletes this turn and those after it, which build on it. */
  async delete(id: string): Promise<void> {
    if (this.turn(id) === undefined) {
      return;
    }
    await this.stop();
    this.#removeFrom(id);
    if (this.#conversation.turns.length === 0) {
      await this.#parts.store.delete(this.#conversation.id);
    } else {
      await this.#save();
    }
  }

  /** Stops the answer that is being generated, and keeps what there is of it. */
  async stop(): Promise<void> {
    const running = this.#running;
    running?.controller.abort();
    await running?.done;
  }

  async open(id: string): Promise<void> {
    const conversation = await this.#parts.store.get(id);
    if (conversation !== undefined && id !== this.#conversation.id) {
      await this.stop();
      this.#conversation = conversation;
    }
    this.show();
  }

  async startNew(): Promise<void> {
    await this.stop();
    if (this.#conversation.turns.length > 0) {
      this.#conversation = emptyConversation();
    }
    this.show();
  }

  /** Takes over a change in the store: the conversation was renamed or deleted. */
  async refresh(): Promise<void> {
    const stored = await this.#parts.store.get(this.#conversation.id);
    if (stored === undefined) {
      await this.stop();
      this.#conversation = emptyConversation();
      this.show();
    } else {
      this.#conversation = { ...this.#conversation, title: stored.title };
    }
  }

  /** Sends the page how much of the model's context the question would take. */
  async measure(text: string, command?: AskCommand): Promise<void> {
    this.#sizing?.abort();
    const controller = new AbortController();
    this.#sizing = controller;
    try {
      const context = boundContext(await this.#parts.context());
      if (text.trim() === '' && command === undefined && context.chips.length === 0) {
        this.#parts.post({ kind: 'size' });
        return;
      }
      // a question mark stands for a question that is not written yet
      const question = this.#question(text.trim() === '' && command === undefined ? '?' : text, command, context);
      const size = await this.#parts.engine.size(question, controller.signal);
      if (!controller.signal.aborted) {
        this.#parts.post({ kind: 'size', size: sizeView(size, context.left) });
      }
    } catch {
      // that the server does not run or has no model is shown elsewhere
      if (!controller.signal.aborted) {
        this.#parts.post({ kind: 'size' });
      }
    }
  }

  async #ask(
    text: string,
    command: AskCommand | undefined,
    chips: readonly Chip[],
    context: Omit<QuestionContext, 'chips'>,
    left: readonly AskSizePart[] = [],
  ): Promise<void> {
    const question = this.#question(text, command, context);
    const turn: TurnView = {
      id: crypto.randomUUID(),
      question: text,
      ...(command === undefined ? {} : { command }),
      chips,
      answer: '',
      state: 'waiting',
      citations: [],
    };
    const { selection } = context;
    const asked: AskedWith = {
      turn: turn.id,
      references: context.references,
      attachments: context.attachments,
      ...(selection === undefined ? {} : { selection }),
    };
    const first = this.#conversation.turns.length === 0 && this.#conversation.title === '';
    this.#conversation = {
      ...this.#conversation,
      title: first ? titleOf(text, command) : this.#conversation.title,
      turns: [...this.#conversation.turns, turn],
      asked: [...this.#conversation.asked, asked],
    };
    this.#parts.post({ kind: 'turn', turn });
    const controller = new AbortController();
    for (const { label, reason } of left) {
      this.#parts.warn(`Context of the question: ${label}: ${reason ?? ''}`);
    }
    const done = this.#run(turn, question, left, controller.signal);
    this.#running = { turn: turn.id, controller, done };
    await done;
  }

  async #run(turn: TurnView, question: Question, left: readonly AskSizePart[], signal: AbortSignal): Promise<void> {
    const batcher = new DeltaBatcher(
      (delta) => this.#parts.post({ kind: 'answer', turn: turn.id, delta }),
      postEveryMs,
    );
    const saver = setInterval(() => void this.#save(), saveEveryMs);
    let answer = '';
    let final: TurnView;
    try {
      await this.#save();
      const result = await this.#parts.engine.ask(
        question,
        {
          onText: (delta) => {
            const part = startOf(delta, limits.text - answer.length);
            answer += part;
            batcher.add(part);
            this.#replace({ ...turn, answer, state: 'answering' });
          },
          onRead: (share) => this.#parts.post({ kind: 'progress', turn: turn.id, share }),
        },
        signal,
      );
      final = { ...turn, ...this.#answered(result, left) };
    } catch (error) {
      final = signal.aborted
        ? { ...turn, answer, state: 'stopped' }
        : { ...turn, answer, state: 'failed', problem: cutMiddle(describeError(error), limits.problem) };
      if (!signal.aborted) {
        this.#parts.warn(`The question failed: ${describeError(error)}`);
      }
    } finally {
      clearInterval(saver);
      batcher.end();
      this.#running = undefined;
    }
    this.#replace(final);
    this.#parts.post({ kind: 'turn', turn: final });
    await this.#save();
  }

  #question(text: string, command: AskCommand | undefined, context: Omit<QuestionContext, 'chips'>): Question {
    const { references, selection, attachments } = context;
    return {
      conversation: this.#conversation.id,
      question: text,
      references,
      attachments,
      history: this.#history(),
      ...(this.#parts.trusted ? {} : { openOnly: true }),
      ...(command === undefined ? {} : { command }),
      ...(selection === undefined ? {} : { selection }),
    };
  }

  /** The turns so far. Thoughts are left out: they served their own answer only. */
  #history(): AskTurn[] {
    return this.#conversation.turns
      .filter(({ state, answer }) => state !== 'failed' && answer !== '')
      .slice(-maxHistory)
      .map(({ question, command, answer, state }) => ({
        question: question.trim() === '' ? `/${command ?? ''}` : question,
        answer: state === 'done' ? answer : withoutThoughts(answer),
      }));
  }

  #answered(
    { text, citations, stats, size }: AskResult,
    left: readonly AskSizePart[],
  ): Pick<TurnView, 'answer' | 'state' | 'citations' | 'stats' | 'size'> {
    const { tokens, tokensPerSecond, firstTokenMs, reusedTokens, fedTokens } = stats;
    return {
      answer: cutEnd(text, limits.text),
      state: 'done',
      citations: citations.slice(0, limits.citations).flatMap((citation) => this.#citation(citation)),
      stats: { tokens, tokensPerSecond, firstTokenMs, reusedTokens, fedTokens },
      ...(size === undefined ? {} : { size: sizeView(size, left) }),
    };
  }

  #citation(citation: Citation): TurnView['citations'] {
    const view = citationView(citation, this.#parts.path(citation.uri));
    if (view === undefined) {
      this.#parts.warn(`A citation is not shown because its URI is too long: ${cutMiddle(citation.uri, limits.label)}`);
    }
    return view === undefined ? [] : [view];
  }

  #replace(turn: TurnView): void {
    const turns = this.#conversation.turns.map((other) => (other.id === turn.id ? turn : other));
    this.#conversation = { ...this.#conversation, turns };
  }

  #removeFrom(id: string): void {
    const at = this.#conversation.turns.findIndex((turn) => turn.id === id);
    const gone = new Set(this.#conversation.turns.slice(at).map((turn) => turn.id));
    this.#conversation = {
      ...this.#conversation,
      turns: this.#conversation.turns.slice(0, at),
      asked: this.#conversation.asked.filter(({ turn }) => !gone.has(turn)),
    };
    this.#parts.post({ kind: 'removed', from: id });
  }

  async #save(): Promise<void> {
    if (this.#conversation.turns.length > 0) {
      this.#conversation = { ...this.#conversation, changed: new Date().toISOString() };
      await this.#parts.store.save(this.#conversation);
    }
  }
}

/** Joins the many small deltas of an answer into a message every few milliseconds. */
class DeltaBatcher {
  readonly #post: (delta: string) => void;
  readonly #everyMs: number;
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(post: (delta: string) => void, everyMs: number) {
    this.#post = post;
    this.#everyMs = everyMs;
  }

  add(delta: string): void {
    this.#waiting += delta;
    this.#timer ??= setTimeout(() => this.#flush(), this.#everyMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#flush();
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#waiting !== '') {
      this.#post(this.#waiting);
      this.#waiting = '';
    }
  }
}

function emptyConversation(): Conversation {
  const now = new Date().toISOString();
  return { id: crypto.randomUUID(), title: '', created: now, changed: now, turns: [], asked: [] };
}

function titleOf(text: string, command: AskCommand | undefined): string {
  const line = startOf(text.trim(), 10 * maxTitle).replace(/\s+/g, ' ');
  const title = `${command === undefined ? '' : `/${command} `}${line}`.trim();
  return cutEnd(title, maxTitle);
}
