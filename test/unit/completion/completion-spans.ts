/**
 * Spans of real files as a model's text: each is hidden, given as what the model says at its place, and what is offered
 * then is judged by a parser. It has to be the span, a beginning of it that parses as the whole does, or nothing.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type * as TreeSitter from 'web-tree-sitter';
import { CompletionGenerator } from '../../../language-server/completion/completion-generator';
import { openGrammars } from '../../../language-server/completion/syntax/grammars';
import { Syntax } from '../../../language-server/completion/syntax/syntax';
import { Random } from '../../native/tools/random';
import { FakeEngine } from '../../server/tools/fake-engine';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
process.env['FASA_SYNTAX'] = path.join(root, 'dist', 'syntax');

interface Language {
  readonly id: string;
  readonly grammar: string;
  readonly endings: readonly string[];
  readonly folders: () => readonly string[];
}

const python = () =>
  execFileSync('python3', ['-I', '-c', 'import sysconfig; print(sysconfig.get_paths()["stdlib"])'], {
    encoding: 'utf8',
  }).trim();

/** Packages of the lock file: the same sources for everybody, and at every commit. */
const modules = (name: string) => path.join(root, 'node_modules', ...name.split('/'));

export const languages: readonly Language[] = [
  {
    id: 'typescript',
    grammar: 'typescript',
    endings: ['.ts'],
    folders: () => [modules('@azure/msal-node/src'), modules('@azure/msal-common/src')],
  },
  { id: 'python', grammar: 'python', endings: ['.py'], folders: () => [python()] },
  { id: 'cpp', grammar: 'cpp', endings: ['.cc', '.h'], folders: () => [path.join(root, 'native')] },
  {
    id: 'javascript',
    grammar: 'javascript',
    endings: ['.js'],
    folders: () => [modules('vscode-languageserver/lib'), modules('mocha/lib')],
  },
];

interface Tally {
  whole: number;
  piece: number;
  nothing: number;
  broken: number;
  readonly examples: string[];
}

interface Span {
  readonly kind: string;
  /** The document without it. */
  readonly document: string;
  readonly offset: number;
  readonly text: string;
  readonly original: string;
}

const maxFileChars = 24_000;

function filesBelow(folder: string, endings: readonly string[]): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        return /^(?:test|tests|site-packages|node_modules|idlelib|lib2to3|__pycache__)$/.test(entry.name)
          ? []
          : filesBelow(file, endings);
      }
      const size = entry.isFile() && endings.includes(path.extname(entry.name)) ? statSync(file).size : 0;
      return size > 1000 && size < maxFileChars ? [file] : [];
    });
}

/** Errors, and tokens that are missing, in a whole program. */
function errorsIn(parser: TreeSitter.Parser, text: string): number {
  const tree = parser.parse(text);
  if (tree === null) {
    throw new Error('The text was not parsed.');
  }
  let errors = 0;
  const visit = (node: TreeSitter.Node) => {
    errors += node.isError || node.isMissing ? 1 : 0;
    if (node.hasError) {
      for (const child of node.children) {
        if (child !== null) {
          visit(child);
        }
      }
    }
  };
  visit(tree.rootNode);
  tree.delete();
  return errors;
}

const closerOf: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '"': '"', "'": "'", '`': '`' };

function spanOf(original: string, parser: TreeSitter.Parser, random: () => number): Span | undefined {
  const pick = (count: number) => Math.floor(random() * count);
  const lines = original.split('\n');
  const cut = (kind: string, from: number, to: number, left = ''): Span => ({
    kind,
    document: original.slice(0, from) + left + original.slice(to),
    offset: from,
    text: original.slice(from, to),
    original,
  });
  const line = pick(lines.length);
  const start = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0);
  const text = lines[line] ?? '';
  const indent = text.length - text.trimStart().length;
  const column = indent + pick(Math.max(1, text.length - indent));
  const end = start + text.length;
  switch (pick(5)) {
    case 0:
      return text.trim() === '' ? undefined : cut('rest of a line', start + column, end);
    case 1: {
      // an editor closes a quote that opens, not one that closes
      const opens = (char: string, index: number) =>
        closerOf[char] !== undefined && (closerOf[char] !== char || text.slice(0, index).split(char).length % 2 === 1);
      const open = [...text.slice(0, -1)].findIndex((char, index) => index >= column && opens(char, index));
      const closer = closerOf[text[open] ?? ''] ?? '';
      return open === -1 || !text.slice(open + 1).includes(closer)
        ? undefined
        : cut('rest of a line, closed by the editor', start + open + 1, end, closer);
    }
    case 2: {
      const count = 1 + pick(6);
      const block = lines.slice(line, line + count);
      const to = start + block.join('\n').length;
      return block.length < count || text.trim() === '' ? undefined : cut('lines', start + indent, to);
    }
    default: {
      const tree = parser.parse(original);
      let node = tree?.rootNode.descendantForIndex(start + column) ?? null;
      for (let up = pick(4); up > 0 && node?.parent !== null && node?.parent !== undefined; up--) {
        node = node.parent;
      }
      const [from, to] = [node?.startIndex ?? 0, node?.endIndex ?? 0];
      tree?.delete();
      const hidden = original.slice(from, to);
      return hidden.trim() === '' || hidden.split('\n').length > 10 ? undefined : cut('a node of the tree', from, to);
    }
  }
}

async function offered({ document, offset, text }: Span, languageId: string, syntax: Syntax, fim: boolean) {
  // without the text after the cursor, a blank at the end of the prompt is left for the model to write
  const said = !fim && document[offset - 1] === ' ' ? ` ${text}` : text;
  const answers = [{ when: '', text: said }];
  const engine = new FakeEngine({ fillInTheMiddle: fim, answers, contextTokens: 262_144 });
  // what is offered does not depend on earlier suggestions
  return new CompletionGenerator(syntax).generate(engine, {
    uri: 'file:///a',
    path: 'a',
    text: document,
    offset,
    languageId,
    settings: { maxTokens: 8192, tailTokens: 200_000 },
    timeBudgetMs: 0,
    signal: new AbortController().signal,
    chunksFor: () => [],
  });
}

/** @param count spans of the language's files, chosen by the seed */
export async function judgeSpans(language: Language, count: number, seed: number): Promise<Tally> {
  const grammars = await openGrammars();
  if (grammars === undefined) {
    throw new Error('The grammars are not there: npm run setup makes them.');
  }
  const parser = await grammars.parser(language.grammar);
  const syntax = new Syntax({ loadLimitMs: 30_000, parseLimitMs: 10_000 });
  const numbers = new Random(seed);
  const random = () => numbers.uniform();
  const files = language.folders().flatMap((folder) => filesBelow(folder, language.endings));
  const whole = new Map<string, string | undefined>();
  const tally: Tally = { whole: 0, piece: 0, nothing: 0, broken: 0, examples: [] };
  for (let done = 0; done < count; ) {
    const file = files[Math.floor(random() * files.length)] ?? '';
    if (!whole.has(file)) {
      const read = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
      whole.set(file, errorsIn(parser, read) === 0 ? read : undefined);
    }
    const original = whole.get(file);
    const span = original === undefined ? undefined : spanOf(original, parser, random);
    if (span === undefined) {
      continue;
    }
    done++;
    const fim = random() < 0.6;
    const { text, replace } = await offered(span, language.id, syntax, fim);
    const { document, offset } = span;
    const result = document.slice(0, offset) + text + document.slice(offset + replace);
    if (text === '') {
      tally.nothing++;
    } else if (result === span.original) {
      tally.whole++;
    } else if (span.text.trimEnd().startsWith(text.trimEnd()) && errorsIn(parser, result) === 0) {
      tally.piece++;
    } else {
      tally.broken++;
      const { text: given, kind } = span;
      const place = `${document.slice(Math.max(0, offset - 60), offset)}‸${document.slice(offset, offset + 40)}`;
      tally.examples.push(
        `${path.basename(file)} (${kind}${fim ? ', fim' : ''}): ${JSON.stringify(place)}\n  given   ${JSON.stringify(given)}\n  offered ${JSON.stringify(text)}${replace > 0 ? ` instead of ${replace}` : ''}`,
      );
    }
  }
  return tally;
}
