/** A message of a conversation as tokens, the texts in it that can be cited, and the prompt that messages make. */

import type { Role } from './template/layout';

export interface ChatMessage {
  readonly role: Role;
  /** Tokenized with special tokens off: nothing in a file or a question can pose as the template's markup. */
  readonly content: Int32Array;
  /** What of it can be cited. */
  readonly texts?: readonly PromptText[];
}

export interface ChatPrompt {
  readonly tokens: Int32Array;
  /** Index of the first token of each message's content. */
  readonly begins: readonly number[];
  /** The mark of a thought that the template has opened: the model's text goes on inside of it. */
  readonly opensThought?: string;
}

export interface PromptText {
  readonly uri: string;
  /** 0-based line of the document that the text begins in, as it was when it was asked. */
  readonly firstLine: number;
  /** The line in front, which is not the document's. */
  readonly head: string;
  /** What of the document is there; LF line ends. */
  readonly text: string;
  /** Nothing of the document is left out behind it. */
  readonly toEnd: boolean;
  /** Index of the head's first token, and how many tokens head and text have. */
  readonly begin: number;
  readonly tokens: number;
}
