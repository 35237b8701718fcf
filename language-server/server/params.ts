/** Checks what clients send before it is used: a malformed request gets InvalidParams that names the field. */

import { ErrorCodes, ResponseError } from 'vscode-languageserver/node';
import { isAskCommand } from '../chat/prompt';
import { limits } from '../protocol/limits';
import {
  type AskAttachment,
  type AskParams,
  type AskSelection,
  askCommands,
  type ChatParams,
  type ChooseContextParams,
  type ClearCacheParams,
  type ContextParams,
  type EncodeParams,
} from '../protocol/server';

export interface DocumentPosition {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

/** @throws ResponseError InvalidParams */
export function documentPosition(params: unknown): DocumentPosition {
  const root = record(params, 'params');
  const position = record(root['position'], 'position');
  return {
    uri: text(record(root['textDocument'], 'textDocument')['uri'], 'textDocument.uri'),
    line: count(position['line'], 'position.line'),
    character: count(position['character'], 'position.character'),
  };
}

export interface InlineCompletionRequest extends DocumentPosition {
  /** Asked for by the user; otherwise the editor asks by itself while he types. */
  readonly invoked: boolean;
  /** The item of an open suggestion list that would be inserted if the user chose it now. */
  readonly selected?: { readonly start: Place; readonly end: Place; readonly text: string };
}

interface Place {
  readonly line: number;
  readonly character: number;
}

const maxSelectedChars = 64 * 1024;
/** LSP's InlineCompletionTriggerKind.Invoked. */
const invokedKind = 1;

/** @throws ResponseError InvalidParams */
export function inlineCompletionRequest(params: unknown): InlineCompletionRequest {
  const root = record(params, 'params');
  // clients of drafts of LSP 3.18 leave it out
  const context = root['context'] === undefined ? {} : record(root['context'], 'context');
  const selected = context['selectedCompletionInfo'] ?? undefined;
  return {
    ...documentPosition(params),
    invoked: context['triggerKind'] === invokedKind,
    ...(selected === undefined ? {} : { selected: selectedItem(record(selected, 'context.selectedCompletionInfo')) }),
  };
}

function selectedItem(item: Record<string, unknown>): NonNullable<InlineCompletionRequest['selected']> {
  const name = 'context.selectedCompletionInfo';
  const range = record(item['range'], `${name}.range`);
  const chosen = text(item['text'], `${name}.text`);
  if (chosen.length > maxSelectedChars) {
    throw invalid(`${name}.text`, `must not be longer than ${maxSelectedChars} characters`);
  }
  return {
    start: place(range['start'], `${name}.range.start`),
    end: place(range['end'], `${name}.range.end`),
    text: chosen,
  };
}

function place(value: unknown, name: string): Place {
  const position = record(value, name);
  return {
    line: count(position['line'], `${name}.line`),
    character: count(position['character'], `${name}.character`),
  };
}

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
  const most = root['maxTokens'] ?? undefined;
  return { messages, ...(most === undefined ? {} : { maxTokens: count(most, 'maxTokens') }), ...partialToken(root) };
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

function partialToken(root: Record<string, unknown>): { partialResultToken?: string | number } {
  const token = root['partialResultToken'];
  return typeof token === 'string' || typeof token === 'number' ? { partialResultToken: token } : {};
}

/** @throws ResponseError InvalidParams */
export function contextParams(params: unknown): ContextParams {
  const uri = optional(params)['uri'];
  return uri === undefined ? {} : { uri: text(uri, 'uri') };
}

/** @throws ResponseError InvalidParams */
export function chooseContextParams(params: unknown): ChooseContextParams {
  const root = record(params, 'params');
  const choice = root['choice'];
  if (choice !== 'include' && choice !== 'exclude' && choice !== 'default') {
    throw invalid('choice', 'must be include, exclude or default');
  }
  const confirmed = root['confirmed'];
  if (confirmed !== undefined && typeof confirmed !== 'boolean') {
    throw invalid('confirmed', 'must be true or false');
  }
  return { uri: text(root['uri'], 'uri'), choice, ...(confirmed === undefined ? {} : { confirmed }) };
}

/** @throws ResponseError InvalidParams */
export function encodeParams(params: unknown): EncodeParams {
  const token = optional(params)['workDoneToken'];
  return typeof token === 'string' || typeof token === 'number' ? { workDoneToken: token } : {};
}

/** @throws ResponseError InvalidParams */
export function clearCacheParams(params: unknown): ClearCacheParams {
  const dryRun = optional(params)['dryRun'];
  if (dryRun !== undefined && typeof dryRun !== 'boolean') {
    throw invalid('dryRun', 'must be true or false');
  }
  return { dryRun: dryRun === true };
}

/** Of a request that may come without parameters: what stands there then is the cancellation token. */
function optional(params: unknown): Record<string, unknown> {
  const missing = params === undefined || params === null || isToken(params);
  return missing ? {} : record(params, 'params');
}

function isToken(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'onCancellationRequested' in value;
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

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(name, 'must be an object');
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw invalid(name, 'must be a string');
  }
  return value;
}

function bounded(value: unknown, name: string): string {
  const content = text(value, name);
  if (content.length > limits.text) {
    throw invalid(name, `must not be longer than ${limits.text} characters`);
  }
  return content;
}

function list(value: unknown, name: string, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) {
    throw invalid(name, `must be a list of at most ${most}`);
  }
  return value;
}

/** Of what gets less telling with its age. */
function latest(value: unknown, name: string, most: number): readonly unknown[] {
  return list(value, name, Number.POSITIVE_INFINITY).slice(-most);
}

function count(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw invalid(name, 'must be a whole number of at least 0');
  }
  return value;
}

function invalid(name: string, what: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, `${name} ${what}.`);
}
