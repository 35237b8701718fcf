/** Answers the messages of the editor's own chat as they are: it brings its prompt with it. */

import { EngineError } from '../base/errors';
import { toLf, wellFormed } from '../base/text';
import type { Engine, Generation } from '../engine/engine';
import { prependAnchor } from '../engine/native/token-parts';
import type { ChatParams } from '../protocol/server';
import { AnswerAfterThought, withoutFirstThought } from '../protocol/thoughts';
import { isLoop, OpenedThought } from './answer-text';
import type { ChatMessage } from './chat-message';
import { chatPrompt } from './template/template';

interface MessagesRun extends Omit<ChatParams, 'partialResultToken'> {
  readonly signal: AbortSignal;
  readonly onText: (delta: string) => void;
}

const maxAnswerTokens = 1024;

/** @throws EngineError CANCELLED, CONTEXT_FULL, BAD_TEMPLATE, the engine's others */
export async function answerMessages(engine: Engine, run: MessagesRun): Promise<Generation> {
  const wanted = Math.min(run.maxTokens ?? maxAnswerTokens, Math.floor(engine.contextTokens / 4));
  const prompt = await chatPrompt(engine, joinTurns(engine, run.messages), run.signal);
  const tokens = prependAnchor(engine, prompt.tokens);
  if (tokens.length + wanted > engine.contextTokens) {
    throw new EngineError(
      'CONTEXT_FULL',
      `The messages have ${tokens.length} tokens; with their answer they do not fit the context of ${engine.contextTokens}.`,
      { remedy: 'Start a new chat, name fewer files, or raise the number of context tokens.' },
    );
  }
  const answer = new AnswerAfterThought();
  const opened = new OpenedThought(prompt.opensThought, (delta) => {
    const shown = answer.push(delta);
    if (shown !== '') {
      run.onText(shown);
    }
  });
  const generation = await engine.generate({
    sequence: 'chat',
    tokens,
    maxTokens: Math.max(1, wanted),
    sampling: { temperature: 0.3, topK: 40, topP: 0.9, seed: 1 },
    signal: run.signal,
    onText: (delta, whole) => {
      opened.push(delta);
      return isLoop(whole) ? 'stop' : 'continue';
    },
  });
  // the editor's chat shows thoughts of no model
  return { ...generation, text: withoutFirstThought(opened.whole(generation.text)) };
}

/** Templates expect the roles to alternate, so neighbouring messages of one role become one. */
function joinTurns(engine: Engine, messages: ChatParams['messages']): ChatMessage[] {
  const joined: { role: ChatMessage['role']; text: string }[] = [];
  for (const { role, text } of messages) {
    const last = joined.at(-1);
    if (last?.role === role) {
      last.text += `\n\n${text}`;
    } else {
      joined.push({ role, text });
    }
  }
  return joined.map(({ role, text }) => ({ role, content: engine.tokenize(wellFormed(toLf(text))) }));
}
