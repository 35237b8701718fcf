/** Checks the parameters of `textDocument/inlineCompletion`. */

import { checked, type DocumentPosition, documentPosition, only, place } from '../lsp/check-params';
import { fields, optional, orNull, string } from '../protocol/validate';

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

const checkInline = fields({
  // clients of drafts of LSP 3.18 leave it out
  context: optional(
    fields({
      triggerKind: only((value) => value === invokedKind),
      selectedCompletionInfo: orNull(
        fields({ range: fields({ start: place, end: place }), text: string(maxSelectedChars) }),
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
