/** A model from the hub, or from an address, into our folder: all of its parts, one download at a time on this machine. */

import path from 'node:path';
import { makePlace } from '../../base/cache-files';
import { modelsFolder } from '../../base/cache-folder';
import { throwIfAborted } from '../../base/errors';
import { formatBytes } from '../../protocol/format';
import type { DownloadProgress, RemoteFile } from '../../protocol/models';
import { lockModelsFolder, requireSpace } from '../own-folder/lock-and-space';
import { stateOfModel } from '../verified';
import { type DownloadOptions, download } from './download';
import { isJoined, joinedName, joinInto } from './joined';
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
    /** That it becomes. */
    readonly file: string;
    /** Of all parts. */
    readonly bytes: number | undefined;
    readonly parts: number;
  }) => Promise<void>;
  /** Instead of the one of the cache. */
  readonly folder?: string;
}

export interface FetchedModel {
  /** One file, also of a model that its repository has in parts. */
  readonly file: string;
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
  const [first] = parts;
  const file = parts.length === 1 ? first.file : joinedName(first.file);
  if (await isHere(file, parts, options)) {
    return { file, fetched: false };
  }
  throwIfAborted(options.signal);
  const title = path.basename(file);
  await options.beforeFetch?.({ url: first.url, title, file, bytes: sumOf(parts), parts: parts.length });
  const lock = await lockModelsFolder(folder);
  try {
    await makePlace({ base: path.dirname(folder), names: [path.basename(folder), ...names] });
    // another process may have fetched it since
    if (await isHere(file, parts, options)) {
      return { file, fetched: false };
    }
    await downloadAll(title, parts, options);
    if (parts.length > 1) {
      options.onStep(`Joining the ${parts.length} parts of ${title}`);
      await joinInto(file, parts, { signal: options.signal, onProgress: options.onCheck });
    }
    return { file, fetched: true };
  } finally {
    await lock.release();
  }
}

type Parts = readonly [Part, ...Part[]];

async function partsOfHub(reference: HubReference, folder: string, options: FetchHubOptions) {
  options.onStep(`Looking at ${reference.repository}`);
  const names = reference.repository.split('/');
  const [first, ...others] = chooseFiles(reference, await listModelFiles(reference, options));
  const partOf = (one: RemoteFile): Part => ({
    url: fileUrl(reference, one, options.hub.endpoint),
    file: path.join(folder, ...names, path.posix.basename(one.path)),
    bytes: one.bytes,
    sha256: one.sha256,
  });
  const parts: Parts = [partOf(first), ...others.map(partOf)];
  return { names, parts };
}

function partsOfUrl({ url, file }: UrlReference, folder: string) {
  const names = [url.hostname.replace(/[^\w.-]/g, '_')];
  const parts: Parts = [{ url, file: path.join(folder, ...names, file), bytes: undefined, sha256: undefined }];
  return { names, parts };
}

async function isHere(file: string, parts: Parts, options: FetchHubOptions): Promise<boolean> {
  return parts.length > 1 ? isJoined(file, parts) : isPartHere(parts[0], options);
}

/** One without a hash is fetched again: nothing tells whether it is that one. */
async function isPartHere(part: Part, { signal, onCheck, onStep }: FetchHubOptions): Promise<boolean> {
  const { file, bytes, sha256 } = part;
  if (bytes === undefined || sha256 === undefined) {
    return false;
  }
  const state = await stateOfModel(file, { bytes, sha256 }, { signal, onProgress: onCheck });
  if (state.kind === 'wrong') {
    onStep(`${file} ${state.what}, so it is replaced`);
  }
  return state.kind === 'here';
}

/** undefined where a length is not known. */
function sumOf(parts: readonly Part[]): number | undefined {
  return parts.reduce<number | undefined>(
    (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
    0,
  );
}

async function downloadAll(title: string, parts: Parts, options: FetchHubOptions): Promise<void> {
  const total = sumOf(parts);
  const missing: Part[] = [];
  for (const part of parts) {
    if (!(await isPartHere(part, options))) {
      missing.push(part);
    }
  }
  await requireRoom(title, parts, missing, options);
  options.onStep(`Downloading ${title}${total === undefined ? '' : ` (${formatBytes(total)})`}`);
  const meter = new SpeedMeter();
  let before = (total ?? 0) - (sumOf(missing) ?? 0);
  for (const part of missing) {
    await download(
      { ...part, title: path.basename(part.file) },
      {
        ...options,
        onProgress: (doneBytes, totalBytes) =>
          options.onProgress(meter.progress(before + doneBytes, total ?? totalBytes)),
      },
    );
    before += part.bytes ?? 0;
  }
}

/** Of what is missing, and for a moment of all parts a second time, as one file. @throws EngineError DISK_FULL */
async function requireRoom(title: string, parts: Parts, missing: readonly Part[], options: FetchHubOptions) {
  const bytes = sumOf(missing);
  if (bytes === undefined) {
    return;
  }
  const there = await Promise.all(missing.map(({ file }) => partBytes(file)));
  const joined = parts.length > 1 ? (sumOf(parts) ?? 0) : 0;
  const needed = bytes - there.reduce((sum, count) => sum + count, 0) + joined;
  await requireSpace(path.dirname(parts[0].file), needed, title, options.space);
}
