/** Thousands of changes of one document at once, as replacing all of a word makes them, applied in one pass. */

import type { Range, TextDocument, TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';

/** Fewer are applied one after the other: the library copies the text for each. */
const minChanges = 100;

/**
 * The same changes as one, where they are many and come from the end of the text to its beginning, as editors send them:
 * then none of them moves the place of another.
 * @param rangeOf a change's range in UTF-16
 */
export function asOneChange(
  document: TextDocument,
  changes: readonly TextDocumentContentChangeEvent[],
  rangeOf: (range: Range) => Range,
): readonly TextDocumentContentChangeEvent[] {
  if (changes.length < minChanges) {
    return changes;
  }
  const text = document.getText();
  const parts: string[] = [];
  let end = text.length;
  for (const change of changes) {
    if (!('range' in change)) {
      return changes;
    }
    const range = rangeOf(change.range);
    const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
    if (from > to || to > end) {
      return changes;
    }
    parts.push(text.slice(to, end), change.text);
    end = from;
  }
  parts.push(text.slice(0, end));
  return [{ text: parts.reverse().join('') }];
}
