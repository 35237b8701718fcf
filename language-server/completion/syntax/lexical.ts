/**
 * Code read by its tokens, without a grammar: what is a text or a comment, and which brackets are code. A table has the
 * forms of each family of languages; where a text begins in the middle of one, it goes on from there.
 */

/** How texts are written: quotes, and what may stand between them. */
interface StringForm {
  readonly open: string;
  readonly close: string;
  /** A backslash takes the next character with it. */
  readonly escapes: boolean;
  readonly multiline: boolean;
  /** What begins code in it, up to the bracket that closes it. */
  readonly code?: string;
  /** A quote before a letter is an apostrophe, or begins a lifetime: it ends nothing. */
  readonly apostrophes?: boolean;
}

export interface Forms {
  readonly lineComments: readonly string[];
  readonly blockComments: readonly (readonly [string, string])[];
  readonly strings: readonly StringForm[];
  /** An apostrophe quotes one character, or is none: lifetimes, digits, contractions. */
  readonly characters: boolean;
  /** A slash may begin a regular expression. */
  readonly regularExpressions: boolean;
  /** Quotes count inside of tags alone: what stands between them is prose. */
  readonly markup: boolean;
}

const double: StringForm = { open: '"', close: '"', escapes: true, multiline: false };
const single: StringForm = { open: "'", close: "'", escapes: true, multiline: false };
const triple = (quote: string): StringForm => ({
  open: quote.repeat(3),
  close: quote.repeat(3),
  escapes: true,
  multiline: true,
});
const raw = (open: string, close = open): StringForm => ({ open, close, escapes: false, multiline: true });

const base: Forms = {
  lineComments: ['//'],
  blockComments: [['/*', '*/']],
  strings: [double],
  characters: true,
  regularExpressions: false,
  markup: false,
};
const script: Forms = {
  ...base,
  strings: [{ open: '`', close: '`', escapes: true, multiline: true, code: '${' }, double, single],
  characters: false,
  regularExpressions: true,
};
const hash: Forms = {
  ...base,
  lineComments: ['#'],
  blockComments: [],
  strings: [triple('"'), triple("'"), double, single],
  characters: false,
};
const shell: Forms = {
  ...hash,
  strings: [{ ...double, multiline: true }, raw("'")],
};
const dashes: Forms = {
  ...base,
  lineComments: ['--'],
  blockComments: [
    ['--[[', ']]'],
    ['/*', '*/'],
  ],
  strings: [raw('[[', ']]'), double, single],
  characters: false,
};
const markup: Forms = {
  ...base,
  lineComments: [],
  blockComments: [['<!--', '-->']],
  strings: [
    { open: '"', close: '"', escapes: false, multiline: true },
    { open: "'", close: "'", escapes: false, multiline: true },
  ],
  characters: false,
  markup: true,
};
/** Of languages that are not known: both kinds of comments are rare in each other's code. */
const anyForms: Forms = {
  ...script,
  strings: script.strings.map((form) => (form === single ? { ...form, apostrophes: true } : form)),
  regularExpressions: false,
};

const families: Readonly<Record<string, Forms>> = {
  cpp: { ...base, strings: [raw('R"(', ')"'), double] },
  csharp: { ...base, strings: [triple('"'), raw('@"', '"'), double] },
  css: { ...base, lineComments: [], strings: [double, single], characters: false },
  go: { ...base, strings: [raw('`'), double] },
  html: markup,
  java: { ...base, strings: [triple('"'), double] },
  javascript: script,
  lua: dashes,
  php: { ...base, lineComments: ['//', '#'], strings: [double, single], characters: false },
  powershell: { ...hash, blockComments: [['<#', '#>']], strings: [double, raw("'")] },
  python: hash,
  ruby: { ...hash, strings: [{ ...double, multiline: true, code: '#{' }, single] },
  rust: { ...base, strings: [raw('r#"', '"#'), { ...double, multiline: true }] },
  scss: { ...base, strings: [double, single], characters: false },
  shellscript: shell,
  sql: { ...dashes, strings: [raw("'"), double] },
  toml: hash,
  yaml: { ...hash, strings: [double, single] },
};

const sameFamily: Readonly<Record<string, string>> = {
  c: 'cpp',
  'cuda-cpp': 'cpp',
  dart: 'java',
  dockerfile: 'shellscript',
  elixir: 'python',
  haskell: 'sql',
  javascriptreact: 'javascript',
  json: 'java',
  jsonc: 'java',
  julia: 'python',
  kotlin: 'java',
  less: 'scss',
  makefile: 'shellscript',
  'objective-c': 'cpp',
  perl: 'ruby',
  r: 'python',
  scala: 'java',
  svelte: 'html',
  swift: 'java',
  typescript: 'javascript',
  typescriptreact: 'javascript',
  vue: 'html',
  xml: 'html',
};

export function formsOf(languageId: string): Forms {
  return families[sameFamily[languageId] ?? languageId] ?? anyForms;
}

/** What a place is in: texts and comments, and code in texts, the innermost last. */
export type LexicalState = readonly Frame[];

type Frame =
  | { readonly kind: 'string'; readonly form: StringForm }
  | { readonly kind: 'comment'; readonly close: string }
  /** Code in a text; how many brackets are open in it. */
  | { readonly kind: 'code'; readonly depth: number };

export interface BracketToken {
  readonly char: string;
  readonly index: number;
}

export interface Scan {
  /** Those that are code, in order. */
  readonly brackets: readonly BracketToken[];
  /** Where texts end: the index of the closing quote. */
  readonly closed: readonly { readonly form: StringForm; readonly index: number }[];
  /** By line, the first included: it begins in a text or a comment that goes on over lines. */
  readonly continued: readonly boolean[];
  readonly state: LexicalState;
}

const inCode: LexicalState = [];

/** @param state what the text begins in */
export function scan(text: string, forms: Forms, state: LexicalState = inCode): Scan {
  return new Scanner(text, forms, state).scan();
}

const wordBefore = /[\p{L}\p{N}_]$/u;
/** What stands in front of a quote in Python, C++, C# and Rust, and belongs to it. */
const stringPrefix = /(?:^|[^\p{L}\p{N}_])(?:[rbuf]{1,2}|[LuUR]|u8R?|[$@]{1,2})$/iu;
/** After these, a slash divides nothing. */
const beforeExpression = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete))\s*$/;
const maxLookBack = 64;
/** A longer one is data: from each slash of a line, so much of it is looked at. */
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
  #inTag = false;
  /** By form: up to here no closing quote is on the line. */
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
    return { brackets: this.#brackets, closed: this.#closed, continued: this.#continued, state: [...this.#stack] };
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
      this.#stack.pop();
      this.#at += form.close.length;
    } else if (form.code !== undefined && this.#startsWith(form.code)) {
      this.#stack.push({ kind: 'code', depth: 0 });
      this.#at += form.code.length;
      this.#brackets.push({ char: '{', index: this.#at - 1 });
    } else if (char === '\n') {
      if (!form.multiline) {
        this.#stack.pop();
      }
      this.#newline();
    } else {
      this.#at++;
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
    if ('([{'.includes(char)) {
      if (frame !== undefined) {
        this.#stack[this.#stack.length - 1] = { kind: 'code', depth: frame.depth + 1 };
      }
      this.#brackets.push({ char, index: this.#at });
    } else if (')]}'.includes(char)) {
      if (frame !== undefined && frame.depth === 0 && char === '}') {
        // the end of code in a text
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
    // an address is no comment, and in a shell a number of arguments neither
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
      // it ends nowhere on its line: a character like others
      return false;
    }
    this.#stack.push({ kind: 'string', form });
    this.#at += form.open.length;
    return true;
  }

  /** `don't`, `&'a str`. */
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
