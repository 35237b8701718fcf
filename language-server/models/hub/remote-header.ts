/** The header of a model that is elsewhere, read before it is fetched: as few ranges of its first bytes as tell about it. */

import { EngineError } from '../../base/errors';
import { type ModelHeader, readHeader } from '../../engine/gguf/header';
import { supportOfParts } from '../support';
import { requireAnswer } from './answers';
import { type AttemptOptions, withAttempts } from './attempts';
import { chunksOf, failed, get } from './request';

/** The shape of a model stands before its vocabulary, which takes megabytes. */
const maxBytes = 8 << 20;

/** Of a model that can be used. @throws EngineError UNSUPPORTED_MODEL for another; as {@link readRemoteHeader} */
export async function readUsableHeader(
  { url, title, parts }: { readonly url: URL; readonly title: string; readonly parts: number },
  attempts: AttemptOptions,
): Promise<ModelHeader> {
  const header = await readRemoteHeader(url, title, attempts);
  const support = supportOfParts(header, parts);
  if (!support.supported) {
    throw new EngineError('UNSUPPORTED_MODEL', `${title} ${support.reason}, so it is not fetched.`, {
      remedy: 'Choose one of the list of models that can be used ("fasa-code models list").',
    });
  }
  return header;
}

/** @throws EngineError NETWORK, DOWNLOAD_FAILED, NOT_GGUF, BAD_GGUF, UNSUPPORTED_MODEL, CANCELLED */
export async function readRemoteHeader(url: URL, title: string, attempts: AttemptOptions): Promise<ModelHeader> {
  const { hub, signal } = attempts;
  const read = (offset: number, length: number) =>
    withAttempts(async () => {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const answer = await get(url, { range }, hub, signal);
      requireAnswer(answer, title, hub);
      if (answer.status !== 206 && offset > 0) {
        answer.body.destroy();
        throw failed(`${answer.place} gives no parts of a file, so its header is read when it is here.`);
      }
      const chunks: Buffer[] = [];
      let filled = 0;
      for await (const chunk of chunksOf(answer.body, hub.timing.stallMs, signal)) {
        chunks.push(chunk);
        filled += chunk.length;
        if (filled >= length) {
          break;
        }
      }
      return Buffer.concat(chunks).subarray(0, length);
    }, attempts);
  return readHeader({ size: undefined, read }, { untilVocabulary: true, maxBytes });
}
