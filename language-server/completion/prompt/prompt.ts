/** The tokens that a completion is decoded from: the anchor that the repository goes with, then the tail, in the form that the model was made for. */

import { toLf, wellFormed } from '../../base/text';
import type { Engine } from '../../engine/engine';
import type { NativeSpecialTokens } from '../../engine/native/addon';
import { concatenate, countTokens, type TokenPart } from '../../engine/native/token-parts';
import { fileForm } from '../../index/chunk/path-line';
import { type CursorText, cursorText, windowStart } from './cursor';

export interface PromptInput {
  readonly text: string;
  readonly offset: number;
  /** The line that names the document, without line end: a comment, or the bare path after a separator token. */
  readonly pathLine: string;
  readonly tailTokens: number;
  /** Most of them after the cursor; absent: the usual share. */
  readonly suffixTokens?: number;
}

export interface Prompt {
  readonly tokens: Int32Array;
  /** So many of them stay as they are while the user types: all before what follows the cursor. */
  readonly stableTokens: number;
  readonly cursor: CursorText;
  readonly fillInTheMiddle: boolean;
  /**
   * One space in front of the cursor is left out: byte-pair tokenizers glue a space to the word after it, so after a
   * lone space the model would see what it never saw in training. A completion may begin with that space.
   */
  readonly withoutSpace: boolean;
  readonly tailTokens: number;
}

export interface MiddleTokens {
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
}

/** The model's fill-in-the-middle tokens, if the GGUF names all three. */
export function middleTokens(tokens: NativeSpecialTokens): MiddleTokens | undefined {
  const { fimPrefix, fimSuffix, fimMiddle } = tokens;
  if (fimPrefix === undefined || fimSuffix === undefined || fimMiddle === undefined) {
    return undefined;
  }
  return { prefix: fimPrefix, suffix: fimSuffix, middle: fimMiddle };
}

/** Code has 3 to 4 characters a token; windows are cut by characters first and never tokenized beyond this. */
export const maxCharsPerToken = 4;
/** Most of the tail that is for the text after the cursor. */
const suffixShare = 0.25;
const windowShrink = 0.75;
const maxShrinks = 6;

export function buildPrompt(engine: Engine, input: PromptInput): Prompt {
  const special = engine.model.tokens;
  const middle = middleTokens(special);
  const cursor = cursorText(input.text, input.offset, input.tailTokens * maxCharsPerToken);
  const withoutSpace = middle === undefined && cursor.before.endsWith(' ');
  const suffix = middle === undefined ? new Int32Array() : suffixTokens(engine, cursor.after, maxSuffix(input));
  const prefix = prefixTokens(engine, input, input.tailTokens - suffix.length, withoutSpace);
  const head: TokenPart[] = engine.chunks === undefined ? bosOf(engine) : [engine.chunks.anchor];
  const separated = fileForm(special) === 'separator' && special.fimSeparator !== undefined;
  const tail: TokenPart[] = special.fimSeparator !== undefined && separated ? [[special.fimSeparator]] : [];
  tail.push(engine.tokenize(`${input.pathLine}\n`));
  if (middle === undefined) {
    tail.push(prefix);
  } else {
    tail.push([middle.prefix], prefix, [middle.suffix], suffix, [middle.middle]);
  }
  const all = countTokens([...head, ...tail]);
  return {
    tokens: concatenate([...head, ...tail]),
    stableTokens: middle === undefined ? all : all - suffix.length - 2,
    cursor,
    fillInTheMiddle: middle !== undefined,
    withoutSpace,
    tailTokens: countTokens(tail),
  };
}

function bosOf({ model: { tokens } }: Engine): TokenPart[] {
  return tokens.addBos && tokens.bos !== undefined ? [[tokens.bos]] : [];
}

/** Most tokens of the tail after the cursor. */
export function usualSuffixTokens(tailTokens: number): number {
  return Math.floor(tailTokens * suffixShare);
}

function maxSuffix({ tailTokens, suffixTokens: asked }: PromptInput): number {
  const usual = usualSuffixTokens(tailTokens);
  return asked === undefined ? usual : Math.min(asked, usual);
}

/** Whole lines, if the first fits; else as much as fits. */
function suffixTokens(engine: Engine, after: string, most: number): Int32Array {
  let text = after.slice(0, most * maxCharsPerToken);
  let whole = text.length === after.length;
  for (let shrinks = 0; shrinks <= maxShrinks; shrinks++) {
    const end = whole ? text.length : text.lastIndexOf('\n') + 1;
    const tokens = end > 0 ? engine.tokenize(text.slice(0, end)) : undefined;
    if (tokens === undefined) {
      break;
    }
    if (tokens.length <= most) {
      return tokens;
    }
    text = text.slice(0, Math.floor(end * windowShrink));
    whole = false;
  }
  return engine.tokenize(after.slice(0, most * maxCharsPerToken)).slice(0, most);
}

/**
 * Windows shrink by a fixed ladder, so that the front of the prefix stays where it is while the user types; what even
 * the smallest leaves too long (text with no long tokens) is cut by tokens, in steps as well.
 */
function prefixTokens(engine: Engine, input: PromptInput, most: number, withoutSpace: boolean): Int32Array {
  let windowChars = Math.max(1, most * maxCharsPerToken);
  let tokens: Int32Array = new Int32Array();
  for (let shrinks = 0; shrinks <= maxShrinks; shrinks++) {
    const start = windowStart(input.text, input.offset, windowChars);
    tokens = engine.tokenize(prefixText(input, start, withoutSpace));
    if (tokens.length <= most) {
      return tokens;
    }
    windowChars = Math.floor(windowChars * windowShrink);
  }
  const step = Math.max(1, Math.floor(most / 4));
  return tokens.slice(Math.ceil((tokens.length - most) / step) * step);
}

function prefixText(input: PromptInput, start: number, withoutSpace: boolean): string {
  const end = withoutSpace ? input.offset - 1 : input.offset;
  return toLf(wellFormed(input.text.slice(start, Math.max(start, end))));
}
