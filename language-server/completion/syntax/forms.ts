/** How strings and comments are written in each family of languages: the table that the scanner reads code by. */

import { type LexicalFamily, languageWithId } from '../../base/languages';

/** How a kind of string is written: its quotes, and what may be between them. */
export interface StringForm {
  readonly open: string;
  readonly close: string;
  /** A backslash escapes the next character. */
  readonly escapes: boolean;
  readonly multiline: boolean;
  /** What begins code that is embedded in the string, up to the closing brace. */
  readonly code?: string;
  /** A quote before a letter is an apostrophe or begins a lifetime, and does not end the string. */
  readonly apostrophes?: boolean;
}

export interface Forms {
  readonly lineComments: readonly string[];
  readonly blockComments: readonly (readonly [string, string])[];
  readonly strings: readonly StringForm[];
  /** An apostrophe quotes a single character, or is not a quote at all (lifetimes, digit separators). */
  readonly characters: boolean;
  /** A slash may begin a regular expression. */
  readonly regularExpressions: boolean;
  /** Quotes count only inside tags: what is between the tags is prose. */
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
/** For languages that are not known: each kind of comment is rare in the code of the other languages. */
const anyForms: Forms = {
  ...script,
  strings: script.strings.map((form) => (form === single ? { ...form, apostrophes: true } : form)),
  regularExpressions: false,
};

const families: Readonly<Record<LexicalFamily, Forms>> = {
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

/** @param languageId as editors name it; one that is not known gets the forms that most languages share */
export function formsOf(languageId: string): Forms {
  const family = languageWithId(languageId)?.lexical;
  return family === undefined ? anyForms : families[family];
}
