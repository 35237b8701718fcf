/** What the fault tests and their child write: always the same pieces, in the same way, so that their files are equal. */

import type { NativeCalibration, NativeModelInfo } from '../../../language-server/engine/native/addon';
import { Random } from '../tools/random';
import { tinyTextTokens } from '../tools/tiny-model';

const random = new Random(4711);
const text = (length: number) => random.tokens(length, 0, tinyTextTokens);

export const writerAnchor = text(9);

export const writerPieces = Array.from({ length: 12 }, (_, i) => ({
  tokens: text(40 + 37 * i),
  address: `piece-${i}-`.padEnd(40, '0'),
}));

/** Every second FC of every head. */
export function everySecondFc({ headSize, layers, kvHeads }: NativeModelInfo): NativeCalibration {
  const one = Array.from({ length: headSize / 4 }, (_, i) => 2 * i);
  return { dominantFcs: Array.from({ length: layers }, () => Array.from({ length: kvHeads }, () => one)) };
}
