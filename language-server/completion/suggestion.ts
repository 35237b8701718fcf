/** What is offered at a cursor. */

export interface Suggestion {
  /** With the document's line ends; '' for nothing. */
  readonly text: string;
  /** UTF-16 units after the cursor, on its line, that the text stands for: it contains them. */
  readonly replace: number;
}

export const noSuggestion: Suggestion = { text: '', replace: 0 };
