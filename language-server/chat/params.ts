/** Checks the parameters of questions, chats and token counts. */

import { checked, invalid, latest, only, progressToken } from '../lsp/check-params';
import { limits } from '../protocol/limits';
import { type AskParams, askCommands, type ChatParams } from '../protocol/server';
import { anyText, count, fields, list, oneOf, orNull, text } from '../protocol/validate';

const isTrue = (value: unknown): value is true => value === true;

const attachment = fields({
  label: anyText,
  text: text(),
  uris: orNull(list(anyText, limits.references)),
});
const selection = fields({ uri: anyText, text: text(), firstLine: orNull(count) });
const checkAsk = fields({
  conversation: orNull(anyText),
  question: orNull(text(limits.question)),
  references: orNull(list(fields({ uri: anyText }), limits.references)),
  selection: orNull(selection),
  command: orNull(oneOf(...askCommands)),
  attachments: orNull(list(attachment, limits.attachments)),
  openOnly: only(isTrue),
  history: orNull(latest(fields({ question: text(), answer: text() }), limits.history)),
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
  messages: list(fields({ role: oneOf('system', 'user', 'assistant'), text: text() }), limits.messages),
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

const checkTexts = fields({ texts: list(text(), limits.messages) });

/** @throws ResponseError InvalidParams */
export function countTokensParams(params: unknown): readonly string[] {
  return checked(checkTexts, params).texts;
}
