/**
 * The syntax around a cursor, by tree-sitter. A grammar is loaded when its language is first completed in, and a bounded
 * window is parsed in bounded time. Without a grammar, or without enough time, indentation decides (completion-shape.ts).
 */

import type * as TreeSitter from 'web-tree-sitter';
import { languageWithId } from '../../base/languages';
import { type Grammars, openGrammars } from './grammars';
import { type SyntaxShape, shapeInTree } from './tree-shape';

/** So many UTF-16 units before and after the cursor are parsed; the first line may be incomplete. */
const charsBefore = 32 * 1024;
const charsAfter = 8 * 1024;
/** A syntax error that a text causes shows within so many UTF-16 units after it. */
const nearChars = 400;
/** Errors are counted in a longer window, since code that is cut off in the middle looks like an error. */
const checkedCharsAfter = 32 * 1024;
const parseLimitMs = 40;
/** The first request in a language waits for its grammar no longer than this. */
const loadLimitMs = 150;

interface SyntaxOptions {
  /** Called once for each grammar that cannot be loaded. */
  readonly onProblem?: (message: string) => void;
  readonly loadLimitMs?: number;
  readonly parseLimitMs?: number;
}

interface Errors {
  /** Syntax errors that end after the beginning of the cursor's line, and missing tokens. */
  readonly count: number;
  /** Whether an error begins or ends in the inserted text, or shortly after it. */
  readonly near: boolean;
}

/** Counts the errors with a text inserted at the place, which replaces so many UTF-16 units after it. */
export type ErrorCounter = (inserted: string, replace: number) => Errors | undefined;

export class Syntax {
  readonly #parsers = new Map<string, Promise<TreeSitter.Parser | undefined>>();
  readonly #loaded = new Map<string, TreeSitter.Parser>();
  readonly #options: SyntaxOptions;
  #grammars: Promise<Grammars | undefined> | undefined;

  constructor(options: SyntaxOptions = {}) {
    this.#options = options;
  }

  /** @returns undefined where there is no grammar, or it was not loaded in time, or the window was not parsed in time */
  async shapeAt(languageId: string, text: string, offset: number): Promise<SyntaxShape | undefined> {
    const grammar = languageWithId(languageId)?.grammar;
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
   * Makes a counter of the errors that a text would leave at a place; errors further up are not counted.
   * @returns undefined where no grammar is loaded; the counter returns undefined where parsing took too long
   */
  checkerAt(languageId: string, text: string, offset: number): ErrorCounter | undefined {
    const parser = this.#loaded.get(languageWithId(languageId)?.grammar ?? '');
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

/** The window starts at a line where one begins nearby. */
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
