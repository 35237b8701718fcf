/**
 * Syntax around a cursor, by tree-sitter: grammars are loaded when a language is first completed in, and a bounded window
 * is parsed within a bounded time. Where there is no grammar, or no time, indentation decides (shape.ts).
 */

import type * as TreeSitter from 'web-tree-sitter';
import { type Grammars, openGrammars } from './grammars';
import { type SyntaxShape, shapeInTree } from './syntax-shape';

/** File of the grammar, by language id. */
const grammars: Readonly<Record<string, string>> = {
  c: 'cpp',
  cpp: 'cpp',
  csharp: 'c-sharp',
  css: 'css',
  'cuda-cpp': 'cpp',
  go: 'go',
  java: 'java',
  javascript: 'javascript',
  javascriptreact: 'javascript',
  php: 'php',
  powershell: 'powershell',
  python: 'python',
  ruby: 'ruby',
  rust: 'rust',
  shellscript: 'bash',
  typescript: 'typescript',
  typescriptreact: 'tsx',
};

/** UTF-16 units before and after the cursor that are parsed; the first line may be cut. */
const charsBefore = 32 * 1024;
const charsAfter = 8 * 1024;
/** What a text has broken shows so soon after it. */
const nearChars = 400;
/** Where errors are counted: what is cut off in the middle looks broken. */
const checkedCharsAfter = 32 * 1024;
const parseLimitMs = 40;
/** A first request in a language does not wait longer for its grammar. */
const loadLimitMs = 150;

interface SyntaxOptions {
  /** Called once for each grammar that does not load. */
  readonly onProblem?: (message: string) => void;
  readonly loadLimitMs?: number;
  readonly parseLimitMs?: number;
}

export interface Errors {
  /** Those of the program that end after the line of the place begins, and tokens that are missing. */
  readonly count: number;
  /** One begins or ends in the text, or shortly after it. */
  readonly near: boolean;
}

/** Errors at a place with a text there, in the place of so many UTF-16 units after it. */
export type ErrorCounter = (inserted: string, replace: number) => Errors | undefined;

export class Syntax {
  readonly #parsers = new Map<string, Promise<TreeSitter.Parser | undefined>>();
  readonly #loaded = new Map<string, TreeSitter.Parser>();
  readonly #options: SyntaxOptions;
  #grammars: Promise<Grammars | undefined> | undefined;

  constructor(options: SyntaxOptions = {}) {
    this.#options = options;
  }

  /** @returns undefined where syntax has nothing to say: no grammar, not loaded in time, not parsed in time */
  async shapeAt(languageId: string, text: string, offset: number): Promise<SyntaxShape | undefined> {
    const grammar = grammars[languageId];
    if (grammar === undefined) {
      return undefined;
    }
    const parser = await withLimit(this.#parser(grammar), this.#options.loadLimitMs ?? loadLimitMs);
    if (parser === undefined) {
      return undefined;
    }
    const start = windowStart(text, offset);
    const source = text.slice(start, offset + charsAfter);
    const tree = parse(parser, source, this.#options.parseLimitMs ?? parseLimitMs);
    if (tree === undefined) {
      return undefined;
    }
    try {
      return shapeInTree(tree.rootNode, source, offset - start, languageId);
    } finally {
      tree.delete();
    }
  }

  /**
   * Counts the errors that a text would leave at a place. What is wrong further up is not its doing.
   * @returns undefined where no grammar is loaded; the count is undefined when parsing took too long
   */
  checkerAt(languageId: string, text: string, offset: number): ErrorCounter | undefined {
    const parser = this.#loaded.get(grammars[languageId] ?? '');
    if (parser === undefined) {
      return undefined;
    }
    const start = windowStart(text, offset);
    const before = text.slice(start, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    const limit = this.#options.parseLimitMs ?? parseLimitMs;
    return (inserted, replace) => {
      const after = text.slice(offset + replace, offset + replace + checkedCharsAfter);
      const tree = parse(parser, `${before}${inserted}${after}`, limit);
      if (tree === undefined) {
        return undefined;
      }
      try {
        return findErrors(tree.rootNode, lineStart, before.length + inserted.length + nearChars);
      } finally {
        tree.delete();
      }
    };
  }

  #parser(grammar: string): Promise<TreeSitter.Parser | undefined> {
    const known = this.#parsers.get(grammar);
    if (known !== undefined) {
      return known;
    }
    const loading = this.#load(grammar).catch((error: unknown) => {
      this.#options.onProblem?.(`The grammar ${grammar} does not load, so indentation decides: ${String(error)}`);
      return undefined;
    });
    this.#parsers.set(grammar, loading);
    return loading;
  }

  async #load(grammar: string): Promise<TreeSitter.Parser | undefined> {
    this.#grammars ??= openGrammars();
    const opened = await this.#grammars;
    if (opened === undefined) {
      return undefined;
    }
    const parser = await opened.parser(grammar);
    this.#loaded.set(grammar, parser);
    return parser;
  }
}

function findErrors(root: TreeSitter.Node, from: number, nearUntil: number): Errors {
  let count = 0;
  let near = false;
  const visit = (node: TreeSitter.Node) => {
    if (!node.hasError || node.endIndex < from) {
      return;
    }
    if (node.isError || node.isMissing) {
      count++;
      near ||= (node.startIndex >= from && node.startIndex <= nearUntil) || node.endIndex <= nearUntil;
    }
    for (const child of node.children) {
      if (child !== null) {
        visit(child);
      }
    }
  };
  visit(root);
  return { count, near };
}

function parse(parser: TreeSitter.Parser, source: string, limitMs: number): TreeSitter.Tree | undefined {
  const until = performance.now() + limitMs;
  const tree = parser.parse(source, null, { progressCallback: () => performance.now() > until });
  if (tree === null) {
    parser.reset();
    return undefined;
  }
  return tree;
}

/** A line start where one is near. */
function windowStart(text: string, offset: number): number {
  const rough = Math.max(0, offset - charsBefore);
  if (rough === 0) {
    return 0;
  }
  const newline = text.indexOf('\n', rough);
  return newline === -1 || newline >= offset ? rough : newline + 1;
}

async function withLimit<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  const result = await Promise.race([work, limit]);
  clearTimeout(timer);
  return result;
}
