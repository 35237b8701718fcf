/** Post-processing is a chain of small pure functions; each sees the text that the one before it left. */

import type { CursorText } from '../prompt/cursor';
import type { CodeAround } from '../syntax/brackets';

/** @param code what stands at the cursor, read by the language's tokens */
export type Filter = (text: string, cursor: CursorText, code: CodeAround) => string;
