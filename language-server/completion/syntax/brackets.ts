/** The brackets and strings of the code around a cursor, and of a text that is inserted there. */

import type { CursorText } from '../prompt/cursor';
import { closes, isOpener } from './bracket-table';
import { type Forms, formsOf } from './forms';
import { type BracketToken, type LexicalState, type Scan, scan } from './scanner';

const dangling = /[-+*/%=<>!&|^?:,.\\]$|=>$/;

interface Brackets {
  /** Opening brackets that are not closed, innermost first. */
  readonly open: readonly string[];
  /** Closing brackets whose opening bracket is not in the text, in order. */
  readonly unmatched: readonly BracketToken[];
}

function pair(tokens: readonly BracketToken[]): Brackets {
  const open: string[] = [];
  const unmatched: BracketToken[] = [];
  for (const token of tokens) {
    if (isOpener(token.char)) {
      open.push(token.char);
    } else if (closes(token.char, open.at(-1))) {
      open.pop();
    } else if (open.length === 0) {
      unmatched.push(token);
    }
  }
  return { open: open.reverse(), unmatched };
}

/** @param languageId '' where it is not known */
export function brackets(text: string, languageId = ''): Brackets {
  return pair(scan(text, formsOf(languageId)).brackets);
}

/** @param limits whether the code may close brackets that it does not open, and leave brackets open at its end */
function isBalanced(
  tokens: readonly BracketToken[],
  limits: { readonly mayClose: boolean; readonly mayOpen: boolean },
): boolean {
  const open: string[] = [];
  for (const { char } of tokens) {
    if (isOpener(char)) {
      open.push(char);
    } else if (open.length > 0 ? !closes(char, open.pop()) : !limits.mayClose) {
      return false;
    }
  }
  return open.length === 0 || limits.mayOpen;
}

type Around = Pick<CursorText, 'before' | 'after' | 'reachesEnd' | 'start'>;

/** Reads a text at a cursor from the state that the cursor is in: code, a string or a comment. */
export class CodeAround {
  readonly #forms: Forms;
  readonly #cursor: Around;
  /** Scan of the text before the cursor. */
  readonly #before: Scan;

  constructor(cursor: Around, languageId: string) {
    this.#forms = formsOf(languageId);
    this.#cursor = cursor;
    this.#before = scan(cursor.before, this.#forms);
  }

  get state(): LexicalState {
    return this.#before.state;
  }

  /** The cursor is in a string, and not in code that is embedded in one. */
  get inString(): boolean {
    return this.state.at(-1)?.kind === 'string';
  }

  get inComment(): boolean {
    return this.state.at(-1)?.kind === 'comment';
  }

  /** Scans a text that is inserted at the cursor. */
  scan(text: string): Scan {
    return scan(text, this.#forms, this.state);
  }

  brackets(text: string): Brackets {
    return pair(this.scan(text).brackets);
  }

  /** Whether a text at the cursor ends in the same string as the cursor is in, or in the same code. */
  endsWhereItBegan(text: string): boolean {
    const { state } = this.scan(text);
    return state.length === this.state.length && state.at(-1)?.kind === this.state.at(-1)?.kind;
  }

  /**
   * Whether the program is incomplete with the text at the cursor: it leaves brackets or strings open, or ends in an operator.
   * Where only a part of the document is known, brackets may be opened before that part, and closed after it.
   */
  leavesOpen(text: string): boolean {
    const { after, reachesEnd, start } = this.#cursor;
    const own = this.scan(text);
    const rest = scan(after, this.#forms, own.state);
    const tokens = [...this.#before.brackets, ...own.brackets, ...rest.brackets];
    return (
      !isBalanced(tokens, { mayClose: start > 0, mayOpen: !reachesEnd }) ||
      (reachesEnd && rest.state.some(({ kind }) => kind === 'string')) ||
      dangling.test(text.trimEnd())
    );
  }

  /**
   * Brackets that are open before the cursor and not closed after it, innermost first. Where only a part of the document is
   * known, what follows it is taken to close the outer ones.
   */
  unclosed(): string[] {
    const unclosed: string[] = [];
    let closed = 0;
    const left = [...pair(this.#before.brackets).open];
    const { after, reachesEnd } = this.#cursor;
    for (const { char } of pair(scan(after, this.#forms, this.state).brackets).unmatched) {
      const match = left.findIndex((opener) => closes(char, opener));
      if (match === -1) {
        break;
      }
      unclosed.push(...left.splice(0, match));
      left.shift();
      closed++;
    }
    const further = reachesEnd ? left : left.slice(0, closed === 0 ? 1 : 0);
    return [...unclosed, ...further];
  }
}
