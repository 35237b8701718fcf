/** Prompts are put together from parts, so that texts of users never become special tokens. */

import type { Engine } from '../engine';

export type TokenPart = Int32Array | readonly number[];

export function concatenate(parts: readonly TokenPart[]): Int32Array {
  const all = new Int32Array(countTokens(parts));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

export function countTokens(parts: readonly TokenPart[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/**
 * Chunks are encoded after the anchor, so every sequence that may attend to them begins with it. The anchor holds the token
 * that begins a text, so the prompt's own is left out; where that token comes again, it begins each turn of a conversation
 * instead, and stays.
 * @returns the prompt as it is where the engine encodes no chunks
 */
export function prependAnchor({ chunks, model }: Pick<Engine, 'chunks' | 'model'>, tokens: Int32Array): Int32Array {
  if (chunks === undefined) {
    return tokens;
  }
  const { bos } = model.tokens;
  const beginsText = bos !== undefined && chunks.anchor[0] === bos && tokens[0] === bos && !tokens.includes(bos, 1);
  return concatenate([chunks.anchor, beginsText ? tokens.subarray(1) : tokens]);
}
