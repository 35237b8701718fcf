/** A model from the hub, or from an address, into our folder: all of its parts, one download at a time on this machine. */

import path from 'node:path';
import { throwIfAborted } from '../../engine/errors';
import { formatBytes } from '../../protocol/format';
import type { DownloadProgress } from '../../protocol/models';
import { makePlace } from '../cache-files';
import { modelsFolder } from '../cache-folder';
import { lockModelsFolder, requireSpace } from '../own-folder/lock-and-space';
import { stateOfModel } from '../verified';
import { type DownloadOptions, download } from './download';
import { partBytes } from './partial-file';
import type { HubReference, Reference, UrlReference } from './reference';
import { chooseFiles, fileUrl, listModelFiles } from './repository';
import { SpeedMeter } from './speed';

export interface FetchHubOptions extends Pick<DownloadOptions, 'hub' | 'signal' | 'onWait' | 'space'> {
  readonly onProgress: (progress: DownloadProgress) => void;
  /** 0 to 1, of what is there already and looked through. */
  readonly onCheck?: (share: number) => void;
  /** What is being done, in a few words. */
  readonly onStep: (text: string) => void;
  /** Before the first byte of a file that is not here: whoever asks may look at it, and refuse it. */
  readonly beforeFetch?: (first: {
    readonly url: URL;
    readonly title: string;
    readonly bytes: number | undefined;
  }) => Promise<void>;
  /** Instead of the one of the cache. */
  readonly folder?: string;
}

export interface FetchedModel {
  /** The first part of a split one. */
  readonly file: string;
  readonly files: readonly string[];
  /** false: it was there. */
  readonly fetched: boolean;
}

interface Part {
  readonly url: URL;
  readonly file: string;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
}

/**
 * @throws EngineError NETWORK, DISK_FULL, DOWNLOAD_CORRUPT, DOWNLOAD_FAILED, BUSY, CANCELLED, CACHE_REFUSED
 */
export async function fetchHubModel(reference: Reference, options: FetchHubOptions): Promise<FetchedModel> {
  const folder = options.folder ?? modelsFolder();
  const { names, parts } =
    reference.kind === 'hub' ? await partsOfHub(reference, folder, options) : partsOfUrl(reference, folder);
  const files = parts.map(({ file }) => file);
  const [file = ''] = files;
  if (await areHere(parts, options)) {
    return { file, files, fetched: false };
  }
  throwIfAborted(options.signal);
  const [first] = parts;
  if (first !== undefined) {
    await options.beforeFetch?.({ url: first.url, title: path.basename(first.file), bytes: sumOf(parts) });
  }
  const lock = await lockModelsFolder(folder);
  try {
    await makePlace({ base: path.dirname(folder), names: [path.basename(folder), ...names] });
    // another process may have fetched it since
    if (await areHere(parts, options)) {
      return { file, files, fetched: false };
    }
    await downloadAll(parts, options);
    return { file, files, fetched: true };
  } finally {
    await lock.release();
  }
}

async function partsOfHub(reference: HubReference, folder: string, options: FetchHubOptions) {
  options.onStep(`Looking at ${reference.repository}`);
  const chosen = chooseFiles(reference, await listModelFiles(reference, options));
  const names = reference.repository.split('/');
  const parts: Part[] = chosen.map((one) => ({
    url: fileUrl(reference, one, options.hub.endpoint),
    file: path.join(folder, ...names, path.posix.basename(one.path)),
    bytes: one.bytes,
    sha256: one.sha256,
  }));
  return { names, parts };
}

function partsOfUrl({ url, file }: UrlReference, folder: string) {
  const names = [url.hostname.replace(/[^\w.-]/g, '_')];
  return { names, parts: [{ url, file: path.join(folder, ...names, file), bytes: undefined, sha256: undefined }] };
}

/** One without a hash is fetched again: nothing tells whether it is that one. */
async function areHere(parts: readonly Part[], { signal, onCheck, onStep }: FetchHubOptions): Promise<boolean> {
  for (const { file, bytes, sha256 } of parts) {
    if (bytes === undefined || sha256 === undefined) {
      return false;
    }
    const state = await stateOfModel(file, { bytes, sha256 }, { signal, onProgress: onCheck });
    if (state.kind === 'wrong') {
      onStep(`${file} ${state.what}, so it is replaced`);
    }
    if (state.kind !== 'here') {
      return false;
    }
  }
  return true;
}

/** undefined where a length is not known. */
function sumOf(parts: readonly Part[]): number | undefined {
  return parts.reduce<number | undefined>(
    (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
    0,
  );
}

async function downloadAll(parts: readonly Part[], options: FetchHubOptions): Promise<void> {
  const total = sumOf(parts);
  const [first] = parts;
  const title = path.basename(first?.file ?? '');
  if (total !== undefined && first !== undefined) {
    const there = await Promise.all(parts.map(({ file }) => partBytes(file)));
    const missing = total - there.reduce((sum, bytes) => sum + bytes, 0);
    await requireSpace(path.dirname(first.file), missing, title, options.space);
  }
  options.onStep(`Downloading ${title}${total === undefined ? '' : ` (${formatBytes(total)})`}`);
  const meter = new SpeedMeter();
  let before = 0;
  for (const part of parts) {
    const state =
      part.bytes === undefined || part.sha256 === undefined
        ? undefined
        : await stateOfModel(part.file, { bytes: part.bytes, sha256: part.sha256 }, { signal: options.signal });
    let done = part.bytes ?? 0;
    if (state?.kind !== 'here') {
      const target = { ...part, title: path.basename(part.file) };
      await download(target, {
        ...options,
        onProgress: (doneBytes, totalBytes) => {
          done = doneBytes;
          options.onProgress(meter.progress(before + doneBytes, total ?? totalBytes));
        },
      });
    }
    before += done;
  }
}
