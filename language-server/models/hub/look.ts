/** What a model of the hub is and whether it fits, before it is fetched: its listing, and a range of its first bytes. */

import path from 'node:path';
import { displayName } from '../../engine/display-name';
import type { RemoteModel } from '../../protocol/models';
import { type FreeMemory, fitOf } from '../fit';
import { supportOfParts } from '../support';
import type { AttemptOptions } from './attempts';
import type { HubReference } from './reference';
import { readRemoteHeader } from './remote-header';
import { chooseFiles, fileUrl, listModelFiles } from './repository';

/**
 * @param contextTokens that it would be loaded with
 * @throws EngineError NETWORK, DOWNLOAD_FAILED, NOT_GGUF, BAD_GGUF, UNSUPPORTED_MODEL, CANCELLED
 */
export async function lookAtModel(
  reference: HubReference,
  attempts: AttemptOptions,
  memory: FreeMemory,
  contextTokens: number,
): Promise<RemoteModel> {
  const { repository, revision, known } = reference;
  const choices = await listModelFiles(reference, attempts);
  const files = chooseFiles(reference, choices);
  const [first] = files;
  const bytes = files.reduce((sum, part) => sum + part.bytes, 0);
  const header = await readRemoteHeader(fileUrl(reference, first, attempts.hub.endpoint), first.path, attempts);
  const { architecture, trainedContext, kvBytesPerToken } = header;
  return {
    name: displayName(header, path.posix.basename(first.path), known?.title),
    repository,
    revision,
    files,
    bytes,
    ...(architecture === undefined ? {} : { architecture }),
    ...(trainedContext === undefined ? {} : { trainedContext }),
    ...(kvBytesPerToken === undefined
      ? {}
      : { kvBytesPerToken, fit: fitOf({ bytes, kvBytesPerToken, trainedContext }, memory, contextTokens) }),
    support: supportOfParts(header, files.length),
    choices,
  };
}
