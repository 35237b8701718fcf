/** The files of a repository of the hub, as its own listing says, and the one of them that is meant. */

import { EngineError } from '../../base/errors';
import { quantizationInName } from '../../engine/gguf/quantization';
import { formatBytes } from '../../protocol/format';
import { maybeHiddenCharacter } from '../../protocol/hidden-characters';
import type { RemoteFile } from '../../protocol/models';
import { count, list, MessageError, object, optional, string } from '../../protocol/validate';
import { matchesPattern } from '../catalogue';
import { requireAnswer } from './answers';
import { type AttemptOptions, withAttempts } from './attempts';
import type { HubReference } from './reference';
import { failed, get, parsedUrl, textOf } from './request';

const maxAnswerBytes = 8 << 20;
const maxPages = 20;
const maxListingAttempts = 3;
const maxFiles = 10_000;

/** GGUF files alone. @throws EngineError NETWORK, DOWNLOAD_FAILED, CANCELLED */
export async function listModelFiles(reference: HubReference, attempts: AttemptOptions): Promise<RemoteFile[]> {
  const { repository, revision } = reference;
  const { endpoint } = attempts.hub;
  const files: RemoteFile[] = [];
  let entries = 0;
  let url: URL | undefined = new URL(
    `${endpoint}/api/models/${repository}/tree/${encodeURIComponent(revision)}?recursive=true`,
  );
  for (let page = 0; url !== undefined; page++) {
    if (page === maxPages) {
      throw failed(`The listing of ${repository} has more than ${maxPages} pages.`);
    }
    const { value, next } = await pageOf(url, repository, attempts);
    entries += value.length;
    if (entries > maxFiles) {
      throw failed(`The repository ${repository} has more than ${maxFiles} files.`);
    }
    files.push(...value.flatMap((entry) => fileOf(entry) ?? []).filter(({ path }) => /\.gguf$/i.test(path)));
    url = next;
  }
  return files;
}

/** One page of the hub's listing, and where the next one is. */
async function pageOf(url: URL, repository: string, attempts: AttemptOptions) {
  const { hub, signal } = attempts;
  // nothing is lost yet: who is offline need not wait long to be told
  const timing = { ...hub.timing, maxAttempts: Math.min(hub.timing.maxAttempts, maxListingAttempts) };
  return withAttempts(
    async () => {
      const answer = await get(url, { accept: 'application/json' }, hub, signal);
      requireAnswer(answer, `the repository ${repository}`, hub);
      const body = await textOf(answer, maxAnswerBytes, hub.timing.stallMs, signal);
      const next = nextLink(String(answer.headers['link'] ?? ''));
      const value = parsed(body);
      if (!Array.isArray(value)) {
        throw otherShape(repository, attempts);
      }
      return { value: value as unknown[], next: next === undefined ? undefined : parsedUrl(next, url) };
    },
    { ...attempts, hub: { ...hub, timing } },
  );
}

/** `<ADDRESS>; rel="next"`, among others. */
function nextLink(header: string): string | undefined {
  const link = header
    .split(',')
    .find((one) => one.includes('rel="next"'))
    ?.trim();
  return link?.startsWith('<') === true && link.includes('>') ? link.slice(1, link.indexOf('>')) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function otherShape(repository: string, { hub }: AttemptOptions): EngineError {
  return new EngineError(
    'DOWNLOAD_FAILED',
    `${new URL(hub.endpoint).host} answers the listing of ${repository} with what is no listing of a hub.`,
    { remedy: 'Check the address of the hub (HF_ENDPOINT, or the setting of a mirror).' },
  );
}

/** Entries carry more than this, and it changes: each field is looked at alone. */
const lfs = object({ oid: string(100), size: count });
const entryShape = object({ path: string(1000), size: count, lfs: optional(lfs) });

function fileOf(entry: unknown): RemoteFile | undefined {
  try {
    const {
      type,
      path,
      size,
      lfs: large,
    } = list((value) => value as Record<string, unknown>)([entry], 'entry')[0] ?? {};
    if (type !== 'file') {
      return undefined;
    }
    const { oid, size: largeSize } = (large ?? {}) as Record<string, unknown>;
    const checked = entryShape(
      { path, size, ...(large === undefined ? {} : { lfs: { oid, size: largeSize } }) },
      'entry',
    );
    const isSafe = checked.path.split('/').every((part) => !/^\.{0,2}$/.test(part) && isFileName(part));
    const hash = checked.lfs?.oid.replace(/^sha256:/, '');
    const sha256 = hash !== undefined && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined;
    const bytes = checked.lfs?.size ?? checked.size;
    return isSafe ? { path: checked.path, bytes, ...(sha256 === undefined ? {} : { sha256 }) } : undefined;
  } catch (error) {
    if (error instanceof MessageError) {
      return undefined;
    }
    throw error;
  }
}

/** On every system that the folder may be moved to. */
function isFileName(name: string): boolean {
  return name.length <= 200 && !/[\\:*?"<>|]/.test(name) && !maybeHiddenCharacter.test(name);
}

/** Of a split model, all of its parts in order. */
export type ChosenFiles = readonly [RemoteFile, ...RemoteFile[]];

/** When none is named: good and small first. */
const usualQuantizations = ['Q4_K_M', 'Q4_K_S', 'Q4_0', 'Q5_K_M', 'Q8_0', 'Q6_K', 'F16', 'BF16'];

/** @throws EngineError DOWNLOAD_FAILED, with what there is */
export function chooseFiles(reference: HubReference, files: readonly RemoteFile[]): ChosenFiles {
  const { repository, wanted, known } = reference;
  const models = files.filter(({ path }) => !/(^|\/)(mmproj|[^/]*imatrix)[^/]*$/i.test(path));
  const first = models.filter(({ path }) => !/-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(path));
  if (first.length === 0) {
    throw failed(
      `The repository ${repository} has no GGUF file.`,
      'Look for one of the same model with GGUF in its name.',
    );
  }
  const found =
    wanted === undefined
      ? usual(first, known?.hub)
      : (first.find(({ path }) => path === wanted) ?? first.find(({ path }) => isMeant(path, wanted)));
  if (found === undefined) {
    const what = wanted ?? known?.hub.quantization ?? 'such a file';
    throw failed(
      `The repository ${repository} has no ${what}; it has ${listed(first)}.`,
      'Name one of those after a colon.',
    );
  }
  return partsOf(found, models, repository);
}

function usual(
  files: readonly RemoteFile[],
  known: { file: string; quantization: string } | undefined,
): RemoteFile | undefined {
  if (known !== undefined) {
    const whole = files.filter(({ path }) => matchesPattern(known.file, path, known.quantization));
    return whole.find(({ path }) => !isSplit(path)) ?? whole[0];
  }
  for (const quantization of usualQuantizations) {
    const found = files.filter(({ path }) => quantizationInName(path) === quantization);
    const whole = found.find(({ path }) => !isSplit(path)) ?? found[0];
    if (whole !== undefined) {
      return whole;
    }
  }
  return files.length === 1 ? files[0] : undefined;
}

/** A name without its folder or its case, or a quantization. */
function isMeant(path: string, wanted: string): boolean {
  const name = path.split('/').at(-1)?.toLowerCase();
  return name === wanted.toLowerCase() || quantizationInName(path) === wanted.toUpperCase().replace(/^UD-/, '');
}

function isSplit(path: string): boolean {
  return /-\d{5}-of-\d{5}\.gguf$/i.test(path);
}

function partsOf(first: RemoteFile, files: readonly RemoteFile[], repository: string): ChosenFiles {
  const [, stem = '', count = '1'] = /^(.*)-00001-of-(\d{5})\.gguf$/i.exec(first.path) ?? [];
  const parts = Number(count);
  if (parts > 100) {
    throw failed(`${first.path} is split into ${parts} parts, and at most 100 are fetched.`);
  }
  const others = Array.from({ length: parts - 1 }, (_, index) => {
    const name = `${stem}-${String(index + 2).padStart(5, '0')}-of-${count}.gguf`;
    const part = files.find(({ path }) => path.toLowerCase() === name.toLowerCase());
    if (part === undefined) {
      throw failed(`The repository ${repository} lacks ${name}, a part of ${first.path}.`);
    }
    return part;
  });
  return [first, ...others];
}

function listed(files: readonly RemoteFile[]): string {
  const shown = files.slice(0, 12).map(({ path, bytes }) => `${path} (${formatBytes(bytes)})`);
  return `${shown.join(', ')}${files.length > shown.length ? ` and ${files.length - shown.length} more` : ''}`;
}

export function fileUrl(reference: HubReference, file: RemoteFile, endpoint: string): URL {
  const { repository, revision } = reference;
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`);
}
