/** Checks the parameters of questions, chats and token counts. */

import { checked, invalid, latest, only, progressToken } from '../lsp/check-params';
import { limits } from '../protocol/limits';
import { type AskParams, askCommands, type ChatParams } from '../protocol/server';
import { anyString, count, fields, list, oneOf, orNull, string } from '../protocol/validate';

const isTrue = (value: unknown): value is true => value === true;

const attachment = fields({
  label: anyString,
  text: string(),
  uris: orNull(list(anyString, limits.references)),
});
const selection = fields({ uri: anyString, text: string(), firstLine: orNull(count) });
const checkAsk = fields({
  conversation: orNull(anyString),
  question: orNull(string(limits.question)),
  references: orNull(list(fields({ uri: anyString }), limits.references)),
  selection: orNull(selection),
  command: orNull(oneOf(...askCommands)),
  attachments: orNull(list(attachment, limits.attachments)),
  openOnly: only(isTrue),
  history: orNull(latest(fields({ question: string(), answer: string() }), limits.history)),
  partialResultToken: progressToken,
});

/** @throws ResponseError InvalidParams */
export function askParams(params: unknown): AskParams {
  const { conversation = '', references = [], attachments = [], question, ...rest } = checked(checkAsk, params);
  if (question === undefined && rest.command === undefined) {
    throw invalid('question must be a string');
  }
  if (question?.trim() === '' && rest.command === undefined) {
    throw invalid('question must not be empty');
  }
  return {
    conversation,
    question: question ?? '',
    references,
    ...rest,
    ...(attachments.length === 0 ? {} : { attachments }),
  };
}

const checkChat = fields({
  messages: list(fields({ role: oneOf('system', 'user', 'assistant'), text: string() }), limits.messages),
  maxTokens: orNull(count),
  partialResultToken: progressToken,
});

/** @throws ResponseError InvalidParams */
export function chatParams(params: unknown): ChatParams {
  const asked = checked(checkChat, params);
  if (!asked.messages.some(({ role }) => role === 'user')) {
    throw invalid('messages must hold a question of the user');
  }
  return asked;
}

const checkTexts = fields({ texts: list(string(), limits.messages) });

/** @throws ResponseError InvalidParams */
export function countTokensParams(params: unknown): readonly string[] {
  return checked(checkTexts, params).texts;
}
