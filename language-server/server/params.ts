/** Checks what clients send before it is used: a malformed request gets InvalidParams that names the field. */

import { ErrorCodes, ResponseError } from 'vscode-languageserver/node';
import { limits } from '../protocol/limits';
import {
  type AskParams,
  askCommands,
  type ChatParams,
  type ChooseContextParams,
  type ClearCacheParams,
  type ContextParams,
  type EncodeParams,
} from '../protocol/server';
import {
  anyText,
  type Check,
  count,
  fields,
  flag,
  list,
  MessageError,
  oneOf,
  optional,
  orNull,
  text,
} from '../protocol/validate';

export interface DocumentPosition {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

/** Takes a value where it is one of these; anything else counts as absent. */
function only<T>(isOne: (value: unknown) => value is T): Check<T | undefined> {
  return (value) => (isOne(value) ? value : undefined);
}

/** The last ones of a list: what it holds gets less telling with its age. */
function latest<T>(check: Check<T>, max: number): Check<readonly T[]> {
  const checkAll = list(check, max);
  return (value, name) => checkAll(Array.isArray(value) ? value.slice(-max) : value, name);
}

const isTrue = (value: unknown): value is true => value === true;
const progressToken = only((value) => typeof value === 'string' || typeof value === 'number');

const place = fields({ line: count, character: count });
const checkPosition = fields({ textDocument: fields({ uri: anyText }), position: place });

/** @throws ResponseError InvalidParams */
export function documentPosition(params: unknown): DocumentPosition {
  const { textDocument, position } = checked(checkPosition, params);
  return { uri: textDocument.uri, ...position };
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
const checkInline = fields({
  // clients of drafts of LSP 3.18 leave it out
  context: optional(
    fields({
      triggerKind: only((value) => value === invokedKind),
      selectedCompletionInfo: orNull(
        fields({ range: fields({ start: place, end: place }), text: text(maxSelectedChars) }),
      ),
    }),
  ),
});

/** @throws ResponseError InvalidParams */
export function inlineCompletionRequest(params: unknown): InlineCompletionRequest {
  const { context } = checked(checkInline, params);
  const selected = context?.selectedCompletionInfo;
  return {
    ...documentPosition(params),
    invoked: context?.triggerKind === invokedKind,
    ...(selected === undefined ? {} : { selected: { ...selected.range, text: selected.text } }),
  };
}

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

const checkContext = fields({ uri: optional(anyText) });

/** @throws ResponseError InvalidParams */
export function contextParams(params: unknown): ContextParams {
  return checked(checkContext, orNone(params));
}

const checkChoice = fields({
  uri: anyText,
  choice: oneOf('include', 'exclude', 'default'),
  confirmed: optional(flag),
});

/** @throws ResponseError InvalidParams */
export function chooseContextParams(params: unknown): ChooseContextParams {
  return checked(checkChoice, params);
}

const checkEncode = fields({ workDoneToken: progressToken });

/** @throws ResponseError InvalidParams */
export function encodeParams(params: unknown): EncodeParams {
  return checked(checkEncode, orNone(params));
}

const checkClear = fields({ dryRun: optional(flag) });

/** @throws ResponseError InvalidParams */
export function clearCacheParams(params: unknown): ClearCacheParams {
  return { dryRun: checked(checkClear, orNone(params)).dryRun === true };
}

/** Of a request that may come without parameters: what stands there then is the cancellation token. */
function orNone(params: unknown): unknown {
  const isToken = typeof params === 'object' && params !== null && 'onCancellationRequested' in params;
  return params === undefined || params === null || isToken ? {} : params;
}

/** @throws ResponseError InvalidParams, in the check's words: fields are named as they stand in the parameters */
function checked<T>(check: Check<T>, params: unknown): T {
  try {
    return check(params, 'params');
  } catch (error) {
    throw error instanceof MessageError ? invalid(error.message.replace(/^params\./, '')) : error;
  }
}

function invalid(what: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, `${what}.`);
}
