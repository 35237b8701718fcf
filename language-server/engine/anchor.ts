/** The first tokens of every context that chunks are read in: they are what attention rests on when nothing matters. */

import type { NativeModelInfo } from './addon';

const header = 'Source files of one repository follow.\n\n';

/** BOS, where the vocabulary asks for it, and a short header: the same for all repositories. */
export function anchorTokens(
  info: Pick<NativeModelInfo, 'tokens'>,
  tokenize: (text: string) => Int32Array,
): Int32Array {
  const { addBos, bos } = info.tokens;
  const start = addBos && bos !== undefined ? [bos] : [];
  return Int32Array.from([...start, ...tokenize(header)]);
}
