/** Finds the texts of documents in the tokens of a prompt, and the lines of a document in the blocks of those tokens. */

import { attentionBlockTokens, type Engine } from '../engine/engine';
import { linesOfBlocks, unitsOf } from '../index/chunk/block-lines';
import type { ChatMessage, ChatPrompt, PromptText } from './chat-message';
import type { AttendedText, TextPlace } from './citations';

/** A part of a message, with the document that it comes from where that can be cited. */
export interface PromptSource {
  readonly tokens: Int32Array;
  readonly cited: Omit<PromptText, 'begin' | 'tokens'> | undefined;
}

/** Places texts whose tokens follow one another, from index 0 on. */
export function placeInPrompt(sources: readonly PromptSource[]): PromptText[] {
  let end = 0;
  return sources.flatMap(({ tokens, cited }) => {
    const begin = end;
    end += tokens.length;
    return cited === undefined ? [] : [{ ...cited, begin, tokens: tokens.length }];
  });
}

/**
 * The texts of all messages, with their places in the tokens that are prefilled.
 * @param tokens the prompt after whatever is prepended to it
 */
export function textsInPrompt(messages: readonly ChatMessage[], prompt: ChatPrompt, tokens: Int32Array): PromptText[] {
  const moved = tokens.length - prompt.tokens.length;
  return messages.flatMap(({ texts = [] }, message) => {
    const content = prompt.begins[message];
    return content === undefined ? [] : texts.map((text) => ({ ...text, begin: moved + content + text.begin }));
  });
}

/** Whether a text of the prompt has all of these lines, the last one included. */
export function isInPrompt(
  texts: readonly PromptText[],
  lines: Pick<TextPlace, 'uri' | 'firstLine' | 'lastLine'>,
): boolean {
  return texts.some(({ uri, firstLine, text, toEnd }) => {
    const begins = uri === lines.uri && firstLine <= lines.firstLine;
    return begins && (toEnd || lines.lastLine < firstLine + countLines(text));
  });
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/**
 * Attention mass per block of each prompt text. A block that straddles two texts belongs to the one that contributes more
 * tokens.
 * @param own attention mass on the blocks of the prompt's tokens
 */
export function attendedTexts(
  engine: Pick<Engine, 'tokenize'>,
  own: Float32Array,
  texts: readonly PromptText[],
): AttendedText[] {
  return texts.map(({ uri, firstLine, head, text, begin, tokens }) => {
    const first = Math.round(begin / attentionBlockTokens);
    const shares = own.subarray(first, Math.round((begin + tokens) / attentionBlockTokens));
    const units = [...unitsOf(engine, text, Number.POSITIVE_INFINITY)];
    const headTokens = engine.tokenize(`${head}\n`).length;
    const lines = linesOfBlocks(units, headTokens, tokens, first * attentionBlockTokens - begin, shares.length);
    return {
      shares,
      inPrompt: true,
      place: {
        uri,
        firstLine,
        lastLine: firstLine + (units.at(-1)?.line ?? 0),
        blockLines: lines.map((line) => firstLine + line),
      },
    };
  });
}
