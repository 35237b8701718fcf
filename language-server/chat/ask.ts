/** Questions about the repository: files and earlier turns packed to fit the context, the answer streamed. */

import type { Engine, Generation } from '../engine/engine';
import { EngineError, throwIfAborted } from '../engine/errors';
import { concatenate, type TokenPart } from '../engine/token-parts';
import type { AskParams } from '../protocol';
import { FilePacker } from '../repository/pack';
import type { SourceFile } from '../repository/source-files';
import { toLf, wellFormed } from '../text';
import type { Workspace } from '../workspace';
import { chooseFiles } from './choose-files';
import { type ChatMessage, chatTokens } from './template';

export interface AskInput extends Omit<AskParams, 'partialResultToken'> {
  readonly signal: AbortSignal;
  /** The live text of a document that is open in the editor. */
  readonly openText: (uri: string) => string | undefined;
  /** What the answer grew by. */
  readonly onText: (delta: string) => void;
  /** How much of the prompt has been read, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  readonly seed?: number;
}

const instructions =
  'You are a programming assistant. Answer the question about the code that you are shown, briefly and precisely. ' +
  'Say so when the code does not hold the answer.';

const mostAnswerTokens = 512;
/** Files of one question; more takes longer to read than most questions are worth. */
const mostFileTokens = 2048;
const mostTurns = 8;
const mostConversations = 16;
/** For the template's own tokens. */
const reservedTokens = 96;

interface Turn {
  readonly asked: ChatMessage;
  readonly answered: ChatMessage;
}

export class Chat {
  readonly #workspace: Workspace;
  readonly #packer = new FilePacker();
  readonly #conversations = new Map<string, Turn[]>();
  #model = '';

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** @throws EngineError CANCELLED, CONTEXT_FULL, BAD_TEMPLATE, the engine's others */
  async ask(engine: Engine, input: AskInput): Promise<Generation> {
    this.#forgetOtherModels(engine);
    const answerTokens = Math.min(mostAnswerTokens, Math.floor(engine.contextTokens / 4));
    const room = engine.contextTokens - answerTokens - reservedTokens;
    const question = engine.tokenize(wellFormed(toLf(input.question)));
    const system: ChatMessage = { role: 'system', content: engine.tokenize(instructions) };
    const left = room - question.length - system.content.length;
    if (left < 0) {
      throw new EngineError(
        'CONTEXT_FULL',
        `The question has ${question.length} tokens; with its answer it does not fit the context of ${engine.contextTokens}.`,
        { remedy: 'Ask a shorter question, or raise the number of context tokens.' },
      );
    }
    const turns = this.#conversations.get(input.conversation) ?? [];
    const context = await this.#context(engine, input, Math.min(mostFileTokens, left), turns.length === 0);
    throwIfAborted(input.signal);
    const content = concatenate(context.length > 0 ? [...context, engine.tokenize('\n'), question] : [question]);
    const asked: ChatMessage = { role: 'user', content };
    const kept = recentTurns(turns, room - content.length - system.content.length);
    const messages = [system, ...kept.flatMap((turn) => [turn.asked, turn.answered]), asked];
    const generation = await engine.generate({
      sequence: 'chat',
      tokens: chatTokens(engine, messages),
      maxTokens: answerTokens,
      sampling: { temperature: 0.3, topK: 40, topP: 0.9, seed: input.seed ?? 1 },
      signal: input.signal,
      onProgress: (fed, total) => input.onProgress?.(fed / Math.max(1, total)),
      onText: (delta, whole) => {
        input.onText(delta);
        return isLoop(whole) ? 'stop' : 'continue';
      },
    });
    this.#remember(input.conversation, kept, {
      asked,
      answered: { role: 'assistant', content: engine.tokenize(generation.text) },
    });
    return generation;
  }

  /** Files of the question as tokens; those of earlier turns are in the conversation already. */
  async #context(engine: Engine, input: AskInput, mostTokens: number, first: boolean): Promise<TokenPart[]> {
    const parts: TokenPart[] = [];
    let left = mostTokens;
    if (input.selection !== undefined) {
      const place = this.#workspace.place(input.selection.uri);
      const text = `Selected in ${place.path}:\n${toLf(input.selection.text).slice(0, left * 4)}\n`;
      const tokens = engine.tokenize(wellFormed(text)).slice(0, left);
      parts.push(tokens);
      left -= tokens.length;
    }
    const files = await this.#files(input, first);
    if (files.length > 0 && left > 0) {
      const packed = this.#packer.pack(engine, files, 'comment', left);
      parts.unshift(...packed.tokens);
    }
    return parts;
  }

  /** What the question refers to; in the first turn, what the repository has on it as well. */
  async #files(input: AskInput, first: boolean): Promise<SourceFile[]> {
    const open: SourceFile[] = [];
    const onDisk: string[] = [];
    for (const { uri } of input.references) {
      const text = input.openText(uri);
      const place = this.#workspace.place(uri);
      if (text !== undefined) {
        const live = wellFormed(toLf(text.slice(0, mostFileTokens * 8)));
        open.push({ absolute: uri, path: place.path, text: live, version: `live ${hash(live)}` });
      } else if (place.file !== undefined) {
        onDisk.push(place.file);
      }
    }
    const found: SourceFile[] = [];
    for (const repository of this.#workspace.repositories) {
      const references = onDisk.filter((file) => repository.sources.relative(file) !== undefined);
      if (first || references.length > 0) {
        found.push(...(await chooseFiles(repository, { question: input.question, references, signal: input.signal })));
      }
    }
    return [...open, ...found.filter((file) => !open.some((other) => other.path === file.path))];
  }

  #remember(conversation: string, kept: readonly Turn[], turn: Turn): void {
    this.#conversations.delete(conversation);
    if (conversation === '') {
      return;
    }
    this.#conversations.set(conversation, [...kept, turn].slice(-mostTurns));
    const oldest = this.#conversations.keys().next();
    if (this.#conversations.size > mostConversations && oldest.done !== true) {
      this.#conversations.delete(oldest.value);
    }
  }

  /** Turns are kept as tokens, and those are one model's. */
  #forgetOtherModels(engine: Engine): void {
    if (this.#model !== engine.model.fingerprint) {
      this.#model = engine.model.fingerprint;
      this.#conversations.clear();
      this.#packer.clear();
    }
  }
}

/** The latest turns that fit. */
function recentTurns(turns: readonly Turn[], room: number): Turn[] {
  const kept: Turn[] = [];
  let left = room;
  for (const turn of turns.toReversed()) {
    // the template adds a few tokens to each message
    left -= turn.asked.content.length + turn.answered.content.length + 16;
    if (left < 0) {
      break;
    }
    kept.unshift(turn);
  }
  return kept;
}

/** Small models fall into loops: the same passage three times in a row, or a long line that was there before. */
export function isLoop(text: string): boolean {
  if (/([\s\S]{16,160}?)\1\1$/.test(text.slice(-520))) {
    return true;
  }
  const lines = text.slice(-8192).split('\n');
  const last = lines.pop()?.trim() ?? '';
  return last.length >= 60 && lines.some((line) => line.trim() === last);
}

function hash(text: string): string {
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    value = (Math.imul(value, 31) + text.charCodeAt(index)) | 0;
  }
  return `${text.length}-${value}`;
}
