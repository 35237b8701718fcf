/** The requests to the model that the chat panel, the editor's own chat and the participant share. */

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
  /** Is called with the share of the prompt that has been prefilled, 0 to 1. */
  onRead?(share: number): void;
}

/** Every request rejects with an Error that says what happened and what to do, or soon after the signal aborts. */
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
