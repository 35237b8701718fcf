/** Texts of documents that stand in the prompt: where in what is fed, and in which of their lines blocks of it begin. */

import { attentionBlockTokens, type Engine } from '../engine/engine';
import { linesOfBlocks, unitsOf } from '../index/chunk/block-lines';
import type { ChatMessage, ChatPrompt, PromptText } from './chat-message';
import type { AttendedText, TextPlace } from './citations';

/** Tokens of a message, and what they are where that can be cited. */
export interface PromptSource {
  readonly tokens: Int32Array;
  readonly cited: Omit<PromptText, 'begin' | 'tokens'> | undefined;
}

/** Texts whose tokens stand behind each other, from index 0 on. */
export function placeInPrompt(sources: readonly PromptSource[]): PromptText[] {
  let end = 0;
  return sources.flatMap(({ tokens, cited }) => {
    const begin = end;
    end += tokens.length;
    return cited === undefined ? [] : [{ ...cited, begin, tokens: tokens.length }];
  });
}

/**
 * The texts of all messages, placed in what is fed.
 * @param fed the prompt with something else in front
 */
export function textsInPrompt(messages: readonly ChatMessage[], prompt: ChatPrompt, fed: Int32Array): PromptText[] {
  const moved = fed.length - prompt.tokens.length;
  return messages.flatMap(({ texts = [] }, message) => {
    const content = prompt.begins[message];
    return content === undefined ? [] : texts.map((text) => ({ ...text, begin: moved + content + text.begin }));
  });
}

/** Whether all of these lines, the last one among them, stand in a text of the prompt. */
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
 * What was looked at of each text. A block at the edge of two texts is that of the one with more of its tokens.
 * @param own attention on the blocks of what was fed
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
