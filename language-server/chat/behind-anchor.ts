/** Contexts that chunks go with begin with the anchor, whatever is asked in them. */

import type { Engine } from '../engine/engine';
import { concatenate } from '../engine/native/token-parts';

/**
 * The prompt of a conversation behind the anchor. The anchor has the token that begins every text, so the template's own is
 * left out; a token that comes again is no such token but the beginning of a turn, and stays.
 */
export function behindAnchor({ chunks, model }: Pick<Engine, 'chunks' | 'model'>, tokens: Int32Array): Int32Array {
  if (chunks === undefined) {
    return tokens;
  }
  const { bos } = model.tokens;
  const beginsText = bos !== undefined && chunks.anchor[0] === bos && tokens[0] === bos && !tokens.includes(bos, 1);
  return concatenate([chunks.anchor, beginsText ? tokens.subarray(1) : tokens]);
}
