/** Where the encoded chunks of all repositories are kept. */

import path from 'node:path';
import { cacheFolder } from '../../base/cache-folder';
import type { Log } from '../../base/log';
import type { AttentionMode, StoreOptions } from '../../engine/engine';
import type { ServerSettings } from '../../protocol/server';

/** @returns undefined where attention is dense: then no chunks are read */
export function chunkStore(
  attention: AttentionMode,
  { diskGigabytes, precision }: Pick<ServerSettings['repository'], 'diskGigabytes' | 'precision'>,
  log: Log,
): StoreOptions | undefined {
  return attention === 'dense'
    ? undefined
    : {
        folder: path.join(cacheFolder(), 'chunks'),
        maxBytes: diskGigabytes * 1e9,
        rowType: precision,
        onProblem: (message) => log.warn(message),
      };
}
