/**
 * How a file is named to the model: by a comment line in the form of its language, or by a separator token of the
 * model.
 */

import path from 'node:path';
import type { NativeSpecialTokens } from '../../engine/native/addon';

const hash = new Set(
  'bash cfg coffee conf ex exs fish gd gemspec jl makefile mk nim pl pm ps1 psm1 py pyi pyx r rake rb sh tcl tf toml yaml yml zsh'.split(
    ' ',
  ),
);
const dashes = new Set('ada adb ads elm hs lua sql vhd vhdl'.split(' '));
const semicolon = new Set('asm clj cljs edn el ini lisp lsp rkt s scm'.split(' '));
const percent = new Set('erl hrl m tex sty'.split(' '));
const markup = new Set('htm html markdown md svelte svg vue xhtml xml'.split(' '));
const block = new Set('css less scss'.split(' '));

/** @param relativePath with forward slashes */
export function commentPathLine(relativePath: string): string {
  const base = path.posix.basename(relativePath).toLowerCase();
  const kind = path.posix.extname(base).slice(1) || base;
  if (hash.has(kind) || base === 'dockerfile') {
    return `# ${relativePath}`;
  }
  if (dashes.has(kind)) {
    return `-- ${relativePath}`;
  }
  if (semicolon.has(kind)) {
    return `; ${relativePath}`;
  }
  if (percent.has(kind)) {
    return `% ${relativePath}`;
  }
  if (markup.has(kind)) {
    return `<!-- ${relativePath} -->`;
  }
  return block.has(kind) ? `/* ${relativePath} */` : `// ${relativePath}`;
}

/** File endings of languages whose name is not the ending of their files. */
const endings: Readonly<Record<string, string>> = {
  clojure: 'clj',
  csharp: 'cs',
  elixir: 'ex',
  haskell: 'hs',
  html: 'html',
  javascript: 'js',
  javascriptreact: 'jsx',
  julia: 'jl',
  markdown: 'md',
  perl: 'pl',
  powershell: 'ps1',
  python: 'py',
  ruby: 'rb',
  rust: 'rs',
  shellscript: 'sh',
  typescript: 'ts',
  typescriptreact: 'tsx',
};

/** The name of a document that has no ending of its own (one that was not saved yet) gets that of its language. */
export function withEnding(relativePath: string, languageId: string): string {
  const base = path.posix.basename(relativePath);
  const ending = endings[languageId] ?? languageId;
  const named = base.includes('.') || knownNames.has(base.toLowerCase()) || ending === 'plaintext' || ending === '';
  return named ? relativePath : `${relativePath}.${ending}`;
}

const knownNames: ReadonlySet<string> = new Set(['dockerfile', 'makefile', 'rakefile', 'gemfile', 'jenkinsfile']);

export type FileForm = 'comment' | 'separator';

/** How a file is set off from others: by a comment that names it, or by the model's own separator token. */
export function fileForm({ fimPrefix, fimSuffix, fimMiddle, fimSeparator }: NativeSpecialTokens): FileForm {
  const middle = fimPrefix !== undefined && fimSuffix !== undefined && fimMiddle !== undefined;
  return middle && fimSeparator !== undefined ? 'separator' : 'comment';
}
