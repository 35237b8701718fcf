/** What the chat panel, the editor's own chat and the participant know of the model: the same few requests for all. */

import {
  type AskParams,
  type AskResult,
  type AskSize,
  askRequest,
  askSizeRequest,
  type ChatParams,
  type ChatResult,
  type CountTokensResult,
  chatRequest,
  countTokensRequest,
} from '../../language-server/protocol/server';

export type Question = Omit<AskParams, 'partialResultToken'>;

export interface AskEvents {
  onText(delta: string): void;
  /** How much of the prompt has been processed, 0 to 1. */
  onRead?(share: number): void;
}

/** Each request rejects with one text that says what happened and what to do; soon, when the signal aborts. */
export interface ChatEngine {
  ask(question: Question, events: AskEvents, signal: AbortSignal): Promise<AskResult>;
  size(question: Question, signal: AbortSignal): Promise<AskSize>;
  chat(
    messages: Omit<ChatParams, 'partialResultToken'>,
    onText: (delta: string) => void,
    signal: AbortSignal,
  ): Promise<ChatResult>;
  countTokens(texts: readonly string[], signal: AbortSignal): Promise<CountTokensResult>;
}

/** A connection to the language server. */
interface Connection {
  call<R, P = never>(method: string, params: object, signal: AbortSignal, onPartial?: (part: P) => void): Promise<R>;
}

interface Part {
  readonly text: string;
  readonly read?: number;
}

export function serverEngine(server: Connection): ChatEngine {
  return {
    ask: (question, { onText, onRead }, signal) =>
      server.call<AskResult, Part>(askRequest, question, signal, ({ text, read }) => {
        if (text !== '') {
          onText(text);
        }
        if (read !== undefined) {
          onRead?.(read);
        }
      }),
    size: (question, signal) => server.call<AskSize>(askSizeRequest, question, signal),
    chat: (messages, onText, signal) =>
      server.call<ChatResult, Part>(chatRequest, messages, signal, ({ text }) => onText(text)),
    countTokens: (texts, signal) => server.call<CountTokensResult>(countTokensRequest, { texts }, signal),
  };
}
