/** Checks what clients send before it is used: a malformed request gets InvalidParams that names the field. */

import { ErrorCodes, ResponseError } from 'vscode-languageserver/node';
import type { AskParams } from './protocol';

export interface DocumentPosition {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

const mostQuestionChars = 256 * 1024;
const mostReferences = 200;

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

const mostSelectedChars = 64 * 1024;
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
  if (chosen.length > mostSelectedChars) {
    throw invalid(`${name}.text`, `must not be longer than ${mostSelectedChars} characters`);
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
  const question = text(root['question'], 'question');
  if (question.trim() === '') {
    throw invalid('question', 'must not be empty');
  }
  if (question.length > mostQuestionChars) {
    throw invalid('question', `must not be longer than ${mostQuestionChars} characters`);
  }
  const references = root['references'] ?? [];
  if (!Array.isArray(references) || references.length > mostReferences) {
    throw invalid('references', `must be a list of at most ${mostReferences}`);
  }
  const selection = root['selection'] ?? undefined;
  const token = root['partialResultToken'];
  return {
    conversation: text(root['conversation'] ?? '', 'conversation'),
    question,
    references: references.map((item, index) => ({
      uri: text(record(item, `references[${index}]`)['uri'], `references[${index}].uri`),
    })),
    ...(selection === undefined ? {} : { selection: selectionOf(selection) }),
    ...(typeof token === 'string' || typeof token === 'number' ? { partialResultToken: token } : {}),
  };
}

function selectionOf(value: unknown): { readonly uri: string; readonly text: string } {
  const selection = record(value, 'selection');
  return { uri: text(selection['uri'], 'selection.uri'), text: text(selection['text'], 'selection.text') };
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(name, 'must be an object');
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw invalid(name, 'must be a text');
  }
  return value;
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
