/** The line that names a file to the model, in the comment form of its language. */

import path from 'node:path';

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
