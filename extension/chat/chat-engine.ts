/** What the chat panel, the editor's own chat and the participant know of the model: one face for all. */

import type {
  AskParams,
  AskResult,
  AskSize,
  ChatParams,
  ChatResult,
  CountTokensResult,
} from '../../language-server/protocol/server';

export type Question = Omit<AskParams, 'partialResultToken'>;

export interface AskEvents {
  onText(delta: string): void;
  /** How much of the prompt has been read, 0 to 1. */
  onRead?(share: number): void;
}

export interface ChatEngine {
  /** Rejects with what happened and what to do, as one text; soon, when the signal aborts. */
  ask(question: Question, events: AskEvents, signal: AbortSignal): Promise<AskResult>;
  size(question: Question, signal: AbortSignal): Promise<AskSize>;
  chat(
    messages: Omit<ChatParams, 'partialResultToken'>,
    onText: (delta: string) => void,
    signal: AbortSignal,
  ): Promise<ChatResult>;
  countTokens(texts: readonly string[], signal: AbortSignal): Promise<CountTokensResult>;
}
