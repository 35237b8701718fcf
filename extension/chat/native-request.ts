/** Fits requests of the editor's own chat to the limits of the server's requests. */

import { startOf } from '../../language-server/protocol/cut';
import { limits } from '../../language-server/protocol/limits';
import type { AskTurn, ChatParams } from '../../language-server/protocol/server';

type Message = ChatParams['messages'][number];

/** The number of earlier turns that are sent to the server, which keeps fewer. */
const maxHistory = 20;

export function recentHistory(turns: readonly AskTurn[]): readonly AskTurn[] {
  return turns.slice(-maxHistory).map(({ question, answer }) => ({
    question: startOf(question, limits.text),
    answer: startOf(answer, limits.text),
  }));
}

/** Keeps the instructions and the latest other messages. A text that is too long is cut with a note. */
export function boundMessages(messages: readonly Message[]): readonly Message[] {
  const instructions = messages.filter(({ role }) => role === 'system').slice(0, limits.messages / 2);
  const room = Math.max(0, limits.messages - instructions.length);
  const rest = new Set(messages.filter(({ role }) => role !== 'system').slice(-room));
  const first = new Set(instructions);
  return messages
    .filter((message) => first.has(message) || rest.has(message))
    .map(({ role, text }) => ({ role, text: cutText(text) }));
}

/** Splits a text into pieces whose tokens can be counted. Each cut may add a token to the count. */
export function countedPieces(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length || pieces.length === 0; ) {
    const piece = startOf(text.slice(at, at + limits.tokenized + 1), limits.tokenized);
    pieces.push(piece);
    at += Math.max(1, piece.length);
  }
  return pieces.slice(0, limits.messages);
}

function cutText(text: string): string {
  const words = '\n[The rest was too long.]';
  return text.length <= limits.text ? text : `${startOf(text, limits.text - words.length)}${words}`;
}
