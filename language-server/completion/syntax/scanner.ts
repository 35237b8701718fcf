/**
 * Scans code without a grammar: finds the strings and comments, and the brackets that are code. The forms of each family of
 * languages are a table (forms.ts). A scan can go on from the state that another one ended in.
 */

import { isCloser, isOpener } from './bracket-table';
import type { Forms, StringForm } from './forms';

/** The strings and comments that a place is in, and the code embedded in strings; the innermost is the last one. */
export type LexicalState = readonly Frame[];

type Frame =
  | { readonly kind: 'string'; readonly form: StringForm }
  | { readonly kind: 'comment'; readonly close: string }
  /** Code embedded in a string; the depth counts the brackets that are open in it. */
  | { readonly kind: 'code'; readonly depth: number };

export interface BracketToken {
  readonly char: string;
  readonly index: number;
}

export interface Scan {
  /** The brackets that are code, in order. */
  readonly brackets: readonly BracketToken[];
  /** The strings that end, each with the index of its closing quote. */
  readonly closed: readonly { readonly form: StringForm; readonly index: number }[];
  /** For each line: whether it begins in a string or a comment of several lines. */
  readonly continued: readonly boolean[];
  /** Index of the quote that opens a string which is still open at the end; absent where the text opens none. */
  readonly openString?: number;
  readonly state: LexicalState;
}

const inCode: LexicalState = [];

/** @param state that the text begins in */
export function scan(text: string, forms: Forms, state: LexicalState = inCode): Scan {
  return new Scanner(text, forms, state).scan();
}

const wordBefore = /[\p{L}\p{N}_]$/u;
/** A prefix that belongs to the quote after it, in Python, C++, C# and Rust. */
const stringPrefix = /(?:^|[^\p{L}\p{N}_])(?:[rbuf]{1,2}|[LuUR]|u8R?|[$@]{1,2})$/iu;
/** A slash after one of these is not a division. */
const beforeExpression = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete))\s*$/;
const maxLookBack = 64;
/** A longer one is data. The bound keeps the work for a line of many slashes small. */
const maxRegularExpression = 1000;

function isApostrophe(text: string, at: number, { apostrophes }: StringForm): boolean {
  return apostrophes === true && /\w/.test(text[at + 1] ?? '');
}

class Scanner {
  readonly #text: string;
  readonly #forms: Forms;
  readonly #stack: Frame[];
  readonly #brackets: BracketToken[] = [];
  readonly #closed: { form: StringForm; index: number }[] = [];
  readonly #continued: boolean[];
  readonly #lastNewline: number;
  #at = 0;
  /** The outermost string that was opened in this text and not closed, and its index in the stack. */
  #openString: { readonly at: number; readonly index: number } | undefined;
  #inTag = false;
  /** For each form, the index up to which the line has no closing quote. */
  readonly #unclosedUpTo = new Map<StringForm, number>();

  constructor(text: string, forms: Forms, state: LexicalState) {
    this.#text = text;
    this.#forms = forms;
    this.#stack = [...state];
    this.#continued = [this.#goesOn()];
    this.#lastNewline = text.lastIndexOf('\n');
  }

  scan(): Scan {
    while (this.#at < this.#text.length) {
      const frame = this.#stack.at(-1);
      if (frame?.kind === 'string') {
        this.#inString(frame.form);
      } else if (frame?.kind === 'comment') {
        this.#inComment(frame.close);
      } else {
        this.#code(frame);
      }
    }
    return {
      brackets: this.#brackets,
      closed: this.#closed,
      continued: this.#continued,
      ...(this.#openString === undefined ? {} : { openString: this.#openString.at }),
      state: [...this.#stack],
    };
  }

  #goesOn(): boolean {
    const frame = this.#stack.at(-1);
    return frame?.kind === 'string' || (frame?.kind === 'comment' && frame.close !== '\n');
  }

  #startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #newline(): void {
    this.#at++;
    this.#continued.push(this.#goesOn());
  }

  #inString(form: StringForm): void {
    const char = this.#text[this.#at];
    if (form.escapes && char === '\\') {
      this.#at++;
      if (this.#text[this.#at] === '\n') {
        this.#newline();
      } else {
        this.#at++;
      }
    } else if (this.#startsWith(form.close) && !isApostrophe(this.#text, this.#at, form)) {
      this.#closed.push({ form, index: this.#at });
      this.#leaveString();
      this.#at += form.close.length;
    } else if (form.code !== undefined && this.#startsWith(form.code)) {
      this.#stack.push({ kind: 'code', depth: 0 });
      this.#at += form.code.length;
      this.#brackets.push({ char: '{', index: this.#at - 1 });
    } else if (char === '\n') {
      if (!form.multiline) {
        this.#leaveString();
      }
      this.#newline();
    } else {
      this.#at++;
    }
  }

  #leaveString(): void {
    this.#stack.pop();
    if (this.#openString?.index === this.#stack.length) {
      this.#openString = undefined;
    }
  }

  #inComment(close: string): void {
    if (this.#startsWith(close)) {
      this.#stack.pop();
      if (close === '\n') {
        this.#newline();
      } else {
        this.#at += close.length;
      }
    } else if (this.#text[this.#at] === '\n') {
      this.#newline();
    } else {
      this.#at++;
    }
  }

  #code(frame: Extract<Frame, { kind: 'code' }> | undefined): void {
    const char = this.#text[this.#at] ?? '';
    if (char === '\n') {
      this.#newline();
      return;
    }
    if (this.#comment() || this.#string(char)) {
      return;
    }
    if (this.#forms.markup) {
      this.#inTag = char === '<' ? true : char === '>' ? false : this.#inTag;
    }
    if (isOpener(char)) {
      if (frame !== undefined) {
        this.#stack[this.#stack.length - 1] = { kind: 'code', depth: frame.depth + 1 };
      }
      this.#brackets.push({ char, index: this.#at });
    } else if (isCloser(char)) {
      if (frame !== undefined && frame.depth === 0 && char === '}') {
        // the brace ends the code that is embedded in a string
        this.#stack.pop();
        this.#brackets.push({ char, index: this.#at });
        this.#at++;
        return;
      }
      if (frame !== undefined) {
        this.#stack[this.#stack.length - 1] = { kind: 'code', depth: frame.depth - 1 };
      }
      this.#brackets.push({ char, index: this.#at });
    }
    this.#at++;
  }

  #comment(): boolean {
    const block = this.#forms.blockComments.find(([open]) => this.#startsWith(open));
    if (block !== undefined) {
      this.#stack.push({ kind: 'comment', close: block[1] });
      this.#at += block[0].length;
      return true;
    }
    const line = this.#forms.lineComments.find((open) => this.#startsWith(open));
    const before = this.#text[this.#at - 1] ?? '';
    // the slashes of a URL begin no comment, and neither does the number of arguments in a shell
    if (line === undefined || (line === '//' && before === ':') || (line === '#' && /[$\w&{(]/.test(before))) {
      return false;
    }
    this.#stack.push({ kind: 'comment', close: '\n' });
    this.#at += line.length;
    return true;
  }

  #string(char: string): boolean {
    if (this.#forms.markup && !this.#inTag) {
      return false;
    }
    if (char === "'" && this.#forms.characters) {
      const literal = /^'(?:\\[^\n]{1,10}?|[^\\'\n])'/u.exec(this.#text.slice(this.#at, this.#at + 16));
      this.#at += literal?.[0].length ?? 1;
      return true;
    }
    if (char === '/' && this.#forms.regularExpressions) {
      return this.#regularExpression();
    }
    const form = this.#forms.strings.find(({ open }) => this.#startsWith(open));
    if (form === undefined || (form.open === "'" && this.#isApostrophe())) {
      return false;
    }
    if (!form.multiline && this.#closingOnLine(form) === -1 && this.#at < this.#lastNewline) {
      // without a closing quote on its line, the quote is an ordinary character
      return false;
    }
    this.#openString ??= { at: this.#at, index: this.#stack.length };
    this.#stack.push({ kind: 'string', form });
    this.#at += form.open.length;
    return true;
  }

  /** As in `don't` and `&'a str`. */
  #isApostrophe(): boolean {
    const before = this.#text.slice(Math.max(0, this.#at - maxLookBack), this.#at);
    return (wordBefore.test(before) && !stringPrefix.test(before)) || /[<&]$/.test(before);
  }

  #closingOnLine(form: StringForm): number {
    if (this.#at < (this.#unclosedUpTo.get(form) ?? 0)) {
      return -1;
    }
    let at = this.#at + form.open.length;
    for (; at < this.#text.length && this.#text[at] !== '\n'; at++) {
      if (form.escapes && this.#text[at] === '\\') {
        at++;
      } else if (this.#text.startsWith(form.close, at) && !isApostrophe(this.#text, at, form)) {
        return at;
      }
    }
    this.#unclosedUpTo.set(form, at);
    return -1;
  }

  #regularExpression(): boolean {
    if (!beforeExpression.test(this.#text.slice(Math.max(0, this.#at - maxLookBack), this.#at))) {
      return false;
    }
    let inClass = false;
    const end = Math.min(this.#text.length, this.#at + maxRegularExpression);
    for (let at = this.#at + 1; at < end && this.#text[at] !== '\n'; at++) {
      const char = this.#text[at];
      if (char === '\\') {
        at++;
      } else if (char === '[') {
        inClass = true;
      } else if (char === ']') {
        inClass = false;
      } else if (char === '/' && !inClass) {
        this.#at = at + 1;
        return true;
      }
    }
    return false;
  }
}
