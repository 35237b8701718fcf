/** The engine's face over the language server's connection. */

import {
  type AskResult,
  type AskSize,
  askRequest,
  askSizeRequest,
  type ChatResult,
  type CountTokensResult,
  chatRequest,
  countTokensRequest,
} from '../../language-server/protocol/server';
import type { LanguageServer } from '../server/client';
import type { ChatEngine } from './chat-engine';

interface Part {
  readonly text: string;
  readonly read?: number;
}

export function serverEngine(server: LanguageServer): ChatEngine {
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
