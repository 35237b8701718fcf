/** A message of a conversation as tokens, the texts in it that can be cited, and the prompt that messages make. */

import type { Role } from './template/layout';

export interface ChatMessage {
  readonly role: Role;
  /** Tokenized with special tokens off, so that nothing in a file or a question can pose as markup of the template. */
  readonly content: Int32Array;
  /** The texts in it that can be cited. */
  readonly texts?: readonly PromptText[];
}

export interface ChatPrompt {
  readonly tokens: Int32Array;
  /** Index of the first token of each message's content. */
  readonly begins: readonly number[];
  /** The tag of a thought that the template has opened: the text of the model goes on inside it. */
  readonly opensThought?: string;
}

/** A text of a document as it is in the prompt: a heading line, then lines of the document. */
export interface PromptText {
  readonly uri: string;
  /** The 0-based line that the text began in when the question was asked. */
  readonly firstLine: number;
  /** The heading line, which is not part of the document. */
  readonly head: string;
  /** The lines of the document, with LF line endings. */
  readonly text: string;
  /** Whether the text reaches the end of the document. */
  readonly toEnd: boolean;
  /** Index of the first token of the heading, and how many tokens heading and text have. */
  readonly begin: number;
  readonly tokens: number;
}
