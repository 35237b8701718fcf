/** Post-processing is a chain of small pure functions, one per file; each sees the text that the one before it left. */

import type { CursorText } from '../cursor';

export type Filter = (text: string, cursor: CursorText) => string;
