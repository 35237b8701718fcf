/**
 * The one table of languages, and the place to add one. A row says what the whole server knows of a language; whoever needs
 * a fact asks for it here by the language id of an editor or by the name of a file.
 */

import path from 'node:path';

/** Languages whose strings and comments are written alike; completion/syntax/forms.ts says how. */
export type LexicalFamily =
  | 'cpp'
  | 'csharp'
  | 'css'
  | 'go'
  | 'html'
  | 'java'
  | 'javascript'
  | 'lua'
  | 'php'
  | 'powershell'
  | 'python'
  | 'ruby'
  | 'rust'
  | 'scss'
  | 'shellscript'
  | 'sql'
  | 'toml'
  | 'yaml';

/** How files name the files that they import; index/rank/imports.ts resolves the names. */
export type ImportSyntax = 'c' | 'python' | 'rust' | 'script';

interface Language {
  /** As editors name it. */
  readonly id: string;
  /** Lower case, without the dot. A document that has no file yet is named with the first one. */
  readonly extensions: readonly string[];
  /** Lower-case names of files that have no extension. */
  readonly fileNames?: readonly string[];
  /** What begins a comment, and what ends it where the end of the line does not; absent: `//`. */
  readonly comment?: readonly [open: string, close?: string];
  /** Code is encoded before prose, and prose before all else, which is data, configuration and styles. */
  readonly content?: 'code' | 'prose';
  /** Absent: strings and comments are read with the forms that most languages share. */
  readonly lexical?: LexicalFamily;
  /** The file of the tree-sitter grammar: tree-sitter-NAME.wasm, which scripts/bundle.mjs copies. */
  readonly grammar?: string;
  readonly imports?: ImportSyntax;
}

const hash = ['#'] as const;
const dashes = ['--'] as const;
const semicolon = [';'] as const;
const percent = ['%'] as const;
const tags = ['<!--', '-->'] as const;
const stars = ['/*', '*/'] as const;

export const languages: readonly Language[] = [
  { id: 'ada', extensions: ['adb', 'ads', 'ada'], comment: dashes },
  { id: 'asciidoc', extensions: ['adoc'], content: 'prose' },
  { id: 'asm', extensions: ['asm', 's'], comment: semicolon },
  { id: 'c', extensions: ['c'], content: 'code', lexical: 'cpp', grammar: 'cpp', imports: 'c' },
  { id: 'cfg', extensions: ['cfg'], comment: hash },
  { id: 'clojure', extensions: ['clj', 'cljs'], comment: semicolon, content: 'code' },
  { id: 'coffeescript', extensions: ['coffee'], comment: hash },
  { id: 'conf', extensions: ['conf'], comment: hash },
  {
    id: 'cpp',
    // a header may be one of C: nothing but its name tells
    extensions: ['cpp', 'cc', 'cxx', 'h', 'hh', 'hpp', 'hxx'],
    content: 'code',
    lexical: 'cpp',
    grammar: 'cpp',
    imports: 'c',
  },
  { id: 'csharp', extensions: ['cs'], content: 'code', lexical: 'csharp', grammar: 'c-sharp' },
  { id: 'css', extensions: ['css'], comment: stars, lexical: 'css', grammar: 'css' },
  { id: 'cuda-cpp', extensions: ['cu'], content: 'code', lexical: 'cpp', grammar: 'cpp', imports: 'c' },
  { id: 'cython', extensions: ['pyx'], comment: hash, content: 'code' },
  { id: 'dart', extensions: ['dart'], content: 'code', lexical: 'java' },
  { id: 'dockerfile', extensions: [], fileNames: ['dockerfile'], comment: hash, lexical: 'shellscript' },
  { id: 'edn', extensions: ['edn'], comment: semicolon },
  { id: 'elixir', extensions: ['ex', 'exs'], comment: hash, content: 'code', lexical: 'python' },
  { id: 'elm', extensions: ['elm'], comment: dashes },
  { id: 'erlang', extensions: ['erl', 'hrl'], comment: percent, content: 'code' },
  { id: 'fish', extensions: ['fish'], comment: hash },
  { id: 'fsharp', extensions: ['fs'], content: 'code' },
  { id: 'gdscript', extensions: ['gd'], comment: hash },
  { id: 'go', extensions: ['go'], content: 'code', lexical: 'go', grammar: 'go' },
  { id: 'graphql', extensions: ['graphql'], content: 'code' },
  { id: 'groovy', extensions: [], fileNames: ['jenkinsfile'] },
  { id: 'haskell', extensions: ['hs'], comment: dashes, content: 'code', lexical: 'sql' },
  { id: 'html', extensions: ['html', 'htm', 'xhtml'], comment: tags, lexical: 'html' },
  { id: 'ini', extensions: ['ini'], comment: semicolon },
  { id: 'java', extensions: ['java'], content: 'code', lexical: 'java', grammar: 'java' },
  {
    id: 'javascript',
    extensions: ['js', 'cjs', 'mjs'],
    content: 'code',
    lexical: 'javascript',
    grammar: 'javascript',
    imports: 'script',
  },
  {
    id: 'javascriptreact',
    extensions: ['jsx'],
    content: 'code',
    lexical: 'javascript',
    grammar: 'javascript',
    imports: 'script',
  },
  { id: 'json', extensions: ['json'], lexical: 'java' },
  { id: 'jsonc', extensions: [], lexical: 'java' },
  { id: 'julia', extensions: ['jl'], comment: hash, content: 'code', lexical: 'python' },
  { id: 'kotlin', extensions: ['kt', 'kts'], content: 'code', lexical: 'java' },
  { id: 'less', extensions: ['less'], comment: stars, lexical: 'scss' },
  { id: 'lisp', extensions: ['lisp', 'lsp', 'el'], comment: semicolon },
  { id: 'lua', extensions: ['lua'], comment: dashes, content: 'code', lexical: 'lua' },
  {
    id: 'makefile',
    extensions: ['makefile', 'mk'],
    fileNames: ['makefile'],
    comment: hash,
    lexical: 'shellscript',
  },
  { id: 'markdown', extensions: ['md', 'markdown'], comment: tags, content: 'prose' },
  // files of Objective-C end in .m as well, and only those include anything
  { id: 'matlab', extensions: ['m'], comment: percent, content: 'code', imports: 'c' },
  { id: 'mdx', extensions: ['mdx'], content: 'prose' },
  { id: 'nim', extensions: ['nim'], comment: hash, content: 'code' },
  { id: 'objective-c', extensions: [], lexical: 'cpp' },
  { id: 'objective-cpp', extensions: ['mm'], content: 'code', imports: 'c' },
  { id: 'ocaml', extensions: ['ml', 'mli'], content: 'code' },
  { id: 'perl', extensions: ['pl', 'pm'], comment: hash, content: 'code', lexical: 'ruby' },
  { id: 'php', extensions: ['php'], content: 'code', lexical: 'php', grammar: 'php' },
  { id: 'plaintext', extensions: ['txt'], content: 'prose' },
  {
    id: 'powershell',
    extensions: ['ps1', 'psm1'],
    comment: hash,
    content: 'code',
    lexical: 'powershell',
    grammar: 'powershell',
  },
  { id: 'proto', extensions: ['proto'], content: 'code' },
  {
    id: 'python',
    extensions: ['py', 'pyi'],
    comment: hash,
    content: 'code',
    lexical: 'python',
    grammar: 'python',
    imports: 'python',
  },
  { id: 'r', extensions: ['r'], comment: hash, content: 'code', lexical: 'python' },
  { id: 'restructuredtext', extensions: ['rst'], content: 'prose' },
  {
    id: 'ruby',
    extensions: ['rb', 'gemspec', 'rake'],
    fileNames: ['gemfile', 'rakefile'],
    comment: hash,
    content: 'code',
    lexical: 'ruby',
    grammar: 'ruby',
  },
  { id: 'rust', extensions: ['rs'], content: 'code', lexical: 'rust', grammar: 'rust', imports: 'rust' },
  { id: 'scala', extensions: ['scala'], content: 'code', lexical: 'java' },
  { id: 'scheme', extensions: ['scm', 'rkt'], comment: semicolon },
  { id: 'scss', extensions: ['scss'], comment: stars, lexical: 'scss' },
  {
    id: 'shellscript',
    extensions: ['sh', 'bash', 'zsh'],
    comment: hash,
    content: 'code',
    lexical: 'shellscript',
    grammar: 'bash',
  },
  { id: 'sql', extensions: ['sql'], comment: dashes, content: 'code', lexical: 'sql' },
  { id: 'svelte', extensions: ['svelte'], comment: tags, content: 'code', lexical: 'html', imports: 'script' },
  { id: 'svg', extensions: ['svg'], comment: tags },
  { id: 'swift', extensions: ['swift'], content: 'code', lexical: 'java' },
  { id: 'tcl', extensions: ['tcl'], comment: hash },
  { id: 'terraform', extensions: ['tf'], comment: hash },
  { id: 'tex', extensions: ['tex', 'sty'], comment: percent },
  { id: 'toml', extensions: ['toml'], comment: hash, lexical: 'toml' },
  {
    id: 'typescript',
    extensions: ['ts', 'cts', 'mts'],
    content: 'code',
    lexical: 'javascript',
    grammar: 'typescript',
    imports: 'script',
  },
  {
    id: 'typescriptreact',
    extensions: ['tsx'],
    content: 'code',
    lexical: 'javascript',
    grammar: 'tsx',
    imports: 'script',
  },
  { id: 'vb', extensions: ['vb'], content: 'code' },
  { id: 'vhdl', extensions: ['vhd', 'vhdl'], comment: dashes },
  { id: 'vue', extensions: ['vue'], comment: tags, content: 'code', lexical: 'html', imports: 'script' },
  { id: 'xml', extensions: ['xml'], comment: tags, lexical: 'html' },
  { id: 'yaml', extensions: ['yaml', 'yml'], comment: hash, lexical: 'yaml' },
  { id: 'zig', extensions: ['zig'], content: 'code' },
];

const byId = new Map(languages.map((language) => [language.id, language]));
const byExtension = new Map(
  languages.flatMap((language) => language.extensions.map((extension) => [extension, language] as const)),
);
const byFileName = new Map(
  languages.flatMap((language) => (language.fileNames ?? []).map((name) => [name, language] as const)),
);

/** @param id as editors name it @returns undefined for a language that has no row */
export function languageWithId(id: string): Language | undefined {
  return byId.get(id);
}

/** @param file its name or path @returns undefined for a kind of file that has no row */
export function languageOfFile(file: string): Language | undefined {
  const name = path.basename(file).toLowerCase();
  return byFileName.get(name) ?? byExtension.get(path.extname(name).slice(1));
}

/** Whether the name says what the file is without any extension, as `Makefile` does. */
export function isFileName(name: string): boolean {
  return byFileName.has(name.toLowerCase());
}
