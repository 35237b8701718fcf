/** The tokens of a case: what the model sees of the file before the place, and what follows there. */

import type { NativeModel } from '../../language-server/engine/native/addon';
import type { TokenPart } from '../../language-server/engine/native/token-parts';
import { commentPathLine, fileForm } from '../../language-server/index/chunk/path-line';
import type { CrossFileCase } from './cases';

export interface CasePrompt {
  /** Path line and the file's lines in front of the place. */
  readonly tail: Int32Array;
  /** The same as text, for text search. */
  readonly tailText: string;
  /** The name and what follows in its line. */
  readonly answer: Int32Array;
  /** How many tokens of the answer are the name. */
  readonly nameTokens: number;
}

/** Code has 2.5 to 4 characters per token, so a tail is never longer. */
const maxCharsPerToken = 4;
/** Tokens of the line after the name whose likelihood is measured as well. */
const maxFollowing = 16;

/** The first whole line of the text that a tail may hold. */
export function tailStart(text: string, offset: number, tailTokens: number): number {
  const from = offset - tailTokens * maxCharsPerToken;
  return from <= 0 ? 0 : text.indexOf('\n', from) + 1;
}

/** @returns undefined if no token ends where the name ends */
export function casePrompt(
  model: NativeModel,
  { file, name, offset }: CrossFileCase,
  tailTokens: number,
): CasePrompt | undefined {
  const { text, path } = file;
  // a space belongs to the token after it
  const cut = text[offset - 1] === ' ' ? offset - 1 : offset;
  const lineEnd = text.indexOf('\n', offset);
  const following = text.slice(cut, lineEnd === -1 ? text.length : lineEnd + 1);
  const answer = model.tokenize(following, false);
  const nameTokens = tokensOfName(model, answer, offset - cut + name.length);
  const start = tailStart(text, offset, tailTokens);
  const head = pathTokens(model, path);
  const body = lastLines(model, text.slice(start, cut), tailTokens - head.length);
  if (nameTokens === undefined || body === undefined) {
    return undefined;
  }
  return {
    tail: Int32Array.from([...head, ...body.tokens]),
    tailText: body.text,
    answer: answer.slice(0, nameTokens + maxFollowing),
    nameTokens,
  };
}

function pathTokens(model: NativeModel, path: string): number[] {
  const separator = model.info.tokens.fimSeparator;
  return fileForm(model.info.tokens) === 'separator' && separator !== undefined
    ? [separator, ...model.tokenize(`${path}\n`, false)]
    : [...model.tokenize(`${commentPathLine(path)}\n`, false)];
}

/** @param bytes of the name (which is ASCII), including a space in front */
function tokensOfName(model: NativeModel, answer: Int32Array, bytes: number): number | undefined {
  let sum = 0;
  for (const [i, token] of answer.entries()) {
    sum += model.tokenBytes(token).length;
    if (sum >= bytes) {
      return sum === bytes ? i + 1 : undefined;
    }
  }
  return undefined;
}

/** Takes as many of the last lines as fit. */
function lastLines(
  model: NativeModel,
  text: string,
  maxTokens: number,
): { readonly tokens: Int32Array; readonly text: string } | undefined {
  for (let rest = text; rest !== ''; rest = rest.slice(rest.indexOf('\n') + 1)) {
    const tokens = model.tokenize(rest, false);
    if (tokens.length <= maxTokens) {
      return { tokens, text: rest };
    }
    if (!rest.includes('\n')) {
      return undefined;
    }
  }
  return undefined;
}

export interface Snippet {
  readonly tokens: Int32Array;
  /** Higher is more relevant. */
  readonly score: number;
}

/** Takes the best snippets that fit, with the best one last, nearest to the tail. Snippets without a matching term stay out. */
export function pack(snippets: readonly Snippet[], maxTokens: number): TokenPart[] {
  const chosen: TokenPart[] = [];
  let left = maxTokens;
  for (const { tokens, score } of snippets.toSorted((one, other) => other.score - one.score)) {
    if (score > 0 && tokens.length <= left) {
      chosen.push(tokens);
      left -= tokens.length;
    }
  }
  return chosen.toReversed();
}
