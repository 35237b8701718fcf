/** Checks the parameters of questions, chats and token counts. */

import { bounded, count, invalid, latest, list, partialToken, record, text } from '../lsp/check-params';
import { limits } from '../protocol/limits';
import {
  type AskAttachment,
  type AskParams,
  type AskSelection,
  askCommands,
  type ChatParams,
} from '../protocol/server';
import { isAskCommand } from './prompt';

/** @throws ResponseError InvalidParams */
export function askParams(params: unknown): AskParams {
  const root = record(params, 'params');
  const command = root['command'] ?? undefined;
  if (command !== undefined && !isAskCommand(command)) {
    throw invalid('command', `must be one of ${askCommands.join(', ')}`);
  }
  const question = text(root['question'] ?? (command === undefined ? undefined : ''), 'question');
  if (question.trim() === '' && command === undefined) {
    throw invalid('question', 'must not be empty');
  }
  if (question.length > limits.question) {
    throw invalid('question', `must not be longer than ${limits.question} characters`);
  }
  const references = list(root['references'] ?? [], 'references', limits.references);
  const attachments = list(root['attachments'] ?? [], 'attachments', limits.attachments);
  const selection = root['selection'] ?? undefined;
  const history = root['history'] ?? undefined;
  return {
    conversation: text(root['conversation'] ?? '', 'conversation'),
    question,
    references: references.map((item, index) => ({
      uri: text(record(item, `references[${index}]`)['uri'], `references[${index}].uri`),
    })),
    ...(selection === undefined ? {} : { selection: selectionOf(selection) }),
    ...(command === undefined ? {} : { command }),
    ...(attachments.length === 0 ? {} : { attachments: attachments.map(attachmentOf) }),
    ...(root['openOnly'] === true ? { openOnly: true } : {}),
    ...(history === undefined ? {} : { history: latest(history, 'history', limits.history).map(turnOf) }),
    ...partialToken(root),
  };
}

/** @throws ResponseError InvalidParams */
export function chatParams(params: unknown): ChatParams {
  const root = record(params, 'params');
  const messages = list(root['messages'], 'messages', limits.messages).map((item, index) => {
    const name = `messages[${index}]`;
    const { role, text: content } = record(item, name);
    if (role !== 'system' && role !== 'user' && role !== 'assistant') {
      throw invalid(`${name}.role`, 'must be system, user or assistant');
    }
    return { role, text: bounded(content, `${name}.text`) } as const;
  });
  if (!messages.some(({ role }) => role === 'user')) {
    throw invalid('messages', 'must hold a question of the user');
  }
  const maxTokens = root['maxTokens'] ?? undefined;
  return {
    messages,
    ...(maxTokens === undefined ? {} : { maxTokens: count(maxTokens, 'maxTokens') }),
    ...partialToken(root),
  };
}

/** @throws ResponseError InvalidParams */
export function countTokensParams(params: unknown): readonly string[] {
  return list(record(params, 'params')['texts'], 'texts', limits.messages).map((item, index) =>
    bounded(item, `texts[${index}]`),
  );
}

function attachmentOf(value: unknown, index: number): AskAttachment {
  const name = `attachments[${index}]`;
  const attachment = record(value, name);
  const uris = attachment['uris'] ?? undefined;
  return {
    label: text(attachment['label'], `${name}.label`),
    text: bounded(attachment['text'], `${name}.text`),
    ...(uris === undefined
      ? {}
      : { uris: list(uris, `${name}.uris`, limits.references).map((uri, at) => text(uri, `${name}.uris[${at}]`)) }),
  };
}

function turnOf(value: unknown, index: number): { readonly question: string; readonly answer: string } {
  const turn = record(value, `history[${index}]`);
  return {
    question: bounded(turn['question'], `history[${index}].question`),
    answer: bounded(turn['answer'], `history[${index}].answer`),
  };
}

function selectionOf(value: unknown): AskSelection {
  const selection = record(value, 'selection');
  const firstLine = selection['firstLine'] ?? undefined;
  return {
    uri: text(selection['uri'], 'selection.uri'),
    text: bounded(selection['text'], 'selection.text'),
    ...(firstLine === undefined ? {} : { firstLine: count(firstLine, 'selection.firstLine') }),
  };
}
