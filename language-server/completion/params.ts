/** Checks the parameters of `textDocument/inlineCompletion`. */

import { count, type DocumentPosition, documentPosition, invalid, record, text } from '../lsp/check-params';

export interface InlineCompletionRequest extends DocumentPosition {
  /** The user asked for it; otherwise the editor asks by itself while the user types. */
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
