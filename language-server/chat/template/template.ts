/** Makes the prompt of messages: the text of the model's chat template, and between it contents that the template never sees. */

import { doneOrAborted } from '../../base/cancellable';
import { throwIfAborted } from '../../base/errors';
import type { Engine } from '../../engine/engine';
import { concatenate, countTokens, type TokenPart } from '../../engine/native/token-parts';
import { openedThought } from '../../protocol/thoughts';
import type { ChatMessage, ChatPrompt } from '../chat-message';
import type { Role } from './layout';
import { Layouts } from './layouts';

/**
 * The tokens of the messages and of the start of the assistant's next one.
 * @throws EngineError BAD_TEMPLATE, CANCELLED
 */
export async function chatTokens(
  engine: Engine,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): Promise<Int32Array> {
  return (await chatPrompt(engine, messages, signal)).tokens;
}

/** The same, with the places of the contents in it. @throws EngineError BAD_TEMPLATE, CANCELLED */
export async function chatPrompt(
  engine: Engine,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): Promise<ChatPrompt> {
  throwIfAborted(signal);
  const layout = layouts.layoutOf(engine.model, rolesOf(messages));
  await doneOrAborted(layout, signal);
  throwIfAborted(signal);
  const { pieces, systemInUser } = await layout;
  const parts: TokenPart[] = [];
  const begins: number[] = [];
  const take = (index: number, message: ChatMessage | undefined) => {
    begins[index] = countTokens(parts);
    parts.push(message?.content ?? []);
  };
  let slot = 0;
  for (const [index, message] of messages.entries()) {
    if (systemInUser && index === 0) {
      continue;
    }
    parts.push(engine.tokenizeTemplate(pieces[slot++] ?? ''));
    if (systemInUser && index === 1) {
      take(0, messages[0]);
      parts.push(engine.tokenize(betweenMerged));
    }
    take(index, message);
  }
  const last = pieces[slot] ?? '';
  parts.push(engine.tokenizeTemplate(last));
  const mark = openedThought(last);
  const opens = mark === undefined ? {} : { opensThought: mark };
  const tokens = concatenate(parts);
  const { addBos, bos } = engine.model.tokens;
  return addBos && bos !== undefined && tokens[0] !== bos
    ? { tokens: concatenate([[bos], tokens]), begins: begins.map((begin) => begin + 1), ...opens }
    : { tokens, begins, ...opens };
}

/** Separates the instructions from the first question where they share a message. */
const betweenMerged = '\n\n';
const layouts = new Layouts();

/** Makes the layout that {@link chatPrompt} needs for such messages, ahead of time; chatPrompt reports a failure. */
export function prepareChatPrompt(engine: Engine, messages: readonly ChatMessage[]): void {
  layouts.layoutOf(engine.model, rolesOf(messages)).catch(() => undefined);
}

/** Ends the process of the templates; requests that wait for it are rejected with CANCELLED. */
export function closeTemplates(): void {
  layouts.close();
}

function rolesOf(messages: readonly ChatMessage[]): Role[] {
  return messages.map(({ role }) => role);
}
