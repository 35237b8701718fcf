/** Opens the tree-sitter grammars, which are shipped beside the bundle. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type * as TreeSitter from 'web-tree-sitter';

export class Grammars {
  readonly #library: typeof TreeSitter;
  readonly #folder: string;

  constructor(library: typeof TreeSitter, folder: string) {
    this.#library = library;
    this.#folder = folder;
  }

  /** @param grammar as base/languages.ts names it: `typescript`, `c-sharp` */
  async parser(grammar: string): Promise<TreeSitter.Parser> {
    const language = await this.#library.Language.load(path.join(this.#folder, `tree-sitter-${grammar}.wasm`));
    const parser = new this.#library.Parser();
    parser.setLanguage(language);
    return parser;
  }
}

/** The grammars are beside the bundle in `dist/`; code that runs from the sources finds them in the `dist/` of the same tree. */
function grammarFolder(): string | undefined {
  const chosen = process.env['FASA_SYNTAX'];
  const folders =
    chosen === undefined || chosen === ''
      ? [path.join(__dirname, 'syntax'), path.join(__dirname, '..', '..', '..', 'dist', 'syntax')]
      : [path.resolve(chosen)];
  return folders.find((folder) => existsSync(path.join(folder, 'web-tree-sitter.cjs')));
}

/**
 * The library is loaded from its file, since it would not find its WebAssembly if it were bundled.
 * @returns undefined where the grammars are not installed
 */
export async function openGrammars(): Promise<Grammars | undefined> {
  const folder = grammarFolder();
  if (folder === undefined) {
    return undefined;
  }
  const file = path.join(folder, 'web-tree-sitter.cjs');
  const library = createRequire(file)(file) as typeof TreeSitter;
  await library.Parser.init();
  return new Grammars(library, folder);
}
