/** Brackets of code around a cursor, and of a text that comes to stand there. */

import type { CursorText } from '../prompt/cursor';
import { type BracketToken, type Forms, formsOf, type LexicalState, type Scan, scan } from './lexical';

const dangling = /[-+*/%=<>!&|^?:,.\\]$|=>$/;

const openOf: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

interface Brackets {
  /** Not closed, innermost first. */
  readonly open: readonly string[];
  /** Closing ones whose opening is not in the text, in order, with their index. */
  readonly unmatched: readonly BracketToken[];
}

function pair(tokens: readonly BracketToken[]): Brackets {
  const open: string[] = [];
  const unmatched: BracketToken[] = [];
  for (const token of tokens) {
    const wanted = openOf[token.char];
    if (wanted === undefined) {
      open.push(token.char);
    } else if (open.at(-1) === wanted) {
      open.pop();
    } else if (open.length === 0) {
      unmatched.push(token);
    }
  }
  return { open: open.reverse(), unmatched };
}

/** @param languageId '' : of no language that is known */
export function brackets(text: string, languageId = ''): Brackets {
  return pair(scan(text, formsOf(languageId)).brackets);
}

/** @param limits closing brackets without an opening one may stand in front, opening ones may be left at the end */
function isBalanced(
  tokens: readonly BracketToken[],
  limits: { readonly mayClose: boolean; readonly mayOpen: boolean },
): boolean {
  const open: string[] = [];
  for (const { char } of tokens) {
    const wanted = openOf[char];
    if (wanted === undefined) {
      open.push(char);
    } else if (open.length > 0 ? open.pop() !== wanted : !limits.mayClose) {
      return false;
    }
  }
  return open.length === 0 || limits.mayOpen;
}

export function closes(closer: string, opener: string | undefined): boolean {
  return opener !== undefined && openOf[closer] === opener;
}

type Around = Pick<CursorText, 'before' | 'after' | 'reachesEnd' | 'start'>;

/** What stands at a cursor is read from what the cursor is in. */
export class CodeAround {
  readonly #forms: Forms;
  readonly #cursor: Around;
  /** Of the text before the cursor. */
  readonly #before: Scan;

  constructor(cursor: Around, languageId: string) {
    this.#forms = formsOf(languageId);
    this.#cursor = cursor;
    this.#before = scan(cursor.before, this.#forms);
  }

  get state(): LexicalState {
    return this.#before.state;
  }

  /** The cursor is between quotes, and not in code that stands there. */
  get inString(): boolean {
    return this.state.at(-1)?.kind === 'string';
  }

  get inComment(): boolean {
    return this.state.at(-1)?.kind === 'comment';
  }

  /** Of a text at the cursor. */
  scan(text: string): Scan {
    return scan(text, this.#forms, this.state);
  }

  brackets(text: string): Brackets {
    return pair(this.scan(text).brackets);
  }

  /** The end of a text at the cursor is in the same quotes as the cursor, or in the same code. */
  endsWhereItBegan(text: string): boolean {
    const { state } = this.scan(text);
    return state.length === this.state.length && state.at(-1)?.kind === this.state.at(-1)?.kind;
  }

  /**
   * With a text at the cursor the program is not whole: brackets or quotes are left open somewhere, or an operator waits for
   * the rest. Of a part of the document, what may be opened before it or closed after it is not asked for.
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
   * What is open before the cursor and not closed after it, innermost first. What follows a part of the document closes
   * what is further out.
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
