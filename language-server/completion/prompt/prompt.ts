/** The prompt of a completion as tokens: the anchor, then the tail, in the form that the model was trained with. */

import { toLf, wellFormed } from '../../base/text';
import type { Engine } from '../../engine/engine';
import type { NativeSpecialTokens } from '../../engine/native/addon';
import { concatenate, countTokens, prependAnchor, type TokenPart } from '../../engine/native/token-parts';
import { fileForm } from '../../index/chunk/path-line';
import { type CursorText, cursorText, windowStart } from './cursor';

export interface PromptInput {
  readonly text: string;
  readonly offset: number;
  /** The line that names the document, without line ending: a comment, or the bare path after a separator token. */
  readonly pathLine: string;
  readonly tailTokens: number;
  /** Maximum number of them after the cursor; absent: the usual share. */
  readonly suffixTokens?: number;
}

export interface Prompt {
  readonly tokens: Int32Array;
  /** How many of them stay the same while the user types: all that come before the text after the cursor. */
  readonly stableTokens: number;
  readonly cursor: CursorText;
  readonly fillInTheMiddle: boolean;
  /**
   * One space before the cursor is left out of the prompt. Byte-pair tokenizers join a space with the word after it, so a
   * prompt that ends in a space is one that the model has not seen in training. A completion may begin with that space.
   */
  readonly withoutSpace: boolean;
  readonly tailTokens: number;
}

interface MiddleTokens {
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
}

/** @returns the fill-in-the-middle tokens of the model, if its GGUF file names all three */
function middleTokens(tokens: NativeSpecialTokens): MiddleTokens | undefined {
  const { fimPrefix, fimSuffix, fimMiddle } = tokens;
  if (fimPrefix === undefined || fimSuffix === undefined || fimMiddle === undefined) {
    return undefined;
  }
  return { prefix: fimPrefix, suffix: fimSuffix, middle: fimMiddle };
}

/** Code has 3 to 4 characters a token: windows are cut to so many characters before they are tokenized. */
export const maxCharsPerToken = 4;
/** Maximum share of the tail for the text after the cursor. */
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
  const separated = fileForm(special) === 'separator' && special.fimSeparator !== undefined;
  const tail: TokenPart[] = special.fimSeparator !== undefined && separated ? [[special.fimSeparator]] : [];
  tail.push(engine.tokenize(`${input.pathLine}\n`));
  if (middle === undefined) {
    tail.push(prefix);
  } else {
    tail.push([middle.prefix], prefix, [middle.suffix], suffix, [middle.middle]);
  }
  const tokens = prependAnchor(engine, concatenate([...bosOf(engine), ...tail]));
  return {
    tokens,
    stableTokens: middle === undefined ? tokens.length : tokens.length - suffix.length - 2,
    cursor,
    fillInTheMiddle: middle !== undefined,
    withoutSpace,
    tailTokens: countTokens(tail),
  };
}

function bosOf({ model: { tokens } }: Engine): TokenPart[] {
  return tokens.addBos && tokens.bos !== undefined ? [[tokens.bos]] : [];
}

/** Maximum number of tokens after the cursor, unless prefilling them is too slow. */
export function usualSuffixTokens(tailTokens: number): number {
  return Math.floor(tailTokens * suffixShare);
}

function maxSuffix({ tailTokens, suffixTokens: asked }: PromptInput): number {
  const usual = usualSuffixTokens(tailTokens);
  return asked === undefined ? usual : Math.min(asked, usual);
}

/** The text after the cursor, cut at the end of a line if the first line fits, else anywhere. */
function suffixTokens(engine: Engine, after: string, maxTokens: number): Int32Array {
  let text = after.slice(0, maxTokens * maxCharsPerToken);
  let whole = text.length === after.length;
  for (let shrinks = 0; shrinks <= maxShrinks; shrinks++) {
    const end = whole ? text.length : text.lastIndexOf('\n') + 1;
    const tokens = end > 0 ? engine.tokenize(text.slice(0, end)) : undefined;
    if (tokens === undefined) {
      break;
    }
    if (tokens.length <= maxTokens) {
      return tokens;
    }
    text = text.slice(0, Math.floor(end * windowShrink));
    whole = false;
  }
  return engine.tokenize(after.slice(0, maxTokens * maxCharsPerToken)).slice(0, maxTokens);
}

/**
 * The text before the cursor. The window shrinks in fixed steps, so that its front stays the same while the user types. A
 * text of very short tokens, which is too long even in the smallest window, is cut by tokens, in steps as well.
 */
function prefixTokens(engine: Engine, input: PromptInput, maxTokens: number, withoutSpace: boolean): Int32Array {
  let windowChars = Math.max(1, maxTokens * maxCharsPerToken);
  let tokens: Int32Array = new Int32Array();
  for (let shrinks = 0; shrinks <= maxShrinks; shrinks++) {
    const start = windowStart(input.text, input.offset, windowChars);
    tokens = engine.tokenize(prefixText(input, start, withoutSpace));
    if (tokens.length <= maxTokens) {
      return tokens;
    }
    windowChars = Math.floor(windowChars * windowShrink);
  }
  const step = Math.max(1, Math.floor(maxTokens / 4));
  return tokens.slice(Math.ceil((tokens.length - maxTokens) / step) * step);
}

function prefixText(input: PromptInput, start: number, withoutSpace: boolean): string {
  const end = withoutSpace ? input.offset - 1 : input.offset;
  return toLf(wellFormed(input.text.slice(start, Math.max(start, end))));
}
