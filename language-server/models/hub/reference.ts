/** What a user may write to name a model that is elsewhere: OWNER/REPOSITORY, with a file or a quantization, or an address. */

import { findByHubFile, findInCatalogue, type HubModel } from '../catalogue';
import { failed, parsedUrl } from './request';

export interface HubReference {
  readonly kind: 'hub';
  /** OWNER/NAME. */
  readonly repository: string;
  readonly revision: string;
  /** A path in the repository, or a quantization; undefined for the usual one. */
  readonly wanted: string | undefined;
  /** What the catalogue says of it. */
  readonly known: HubModel | undefined;
}

export interface UrlReference {
  readonly kind: 'url';
  readonly url: URL;
  /** Of the file that is made of it. */
  readonly file: string;
}

export type Reference = HubReference | UrlReference;

const repositoryName = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;

/** @returns undefined for what names nothing that could be fetched, such as a file @throws EngineError DOWNLOAD_FAILED */
export function parseReference(text: string, endpoint: string): Reference | undefined {
  const known = findInCatalogue(text);
  if (known !== undefined) {
    return 'hub' in known
      ? { kind: 'hub', repository: known.hub.repository, revision: 'main', wanted: undefined, known }
      : undefined;
  }
  if (/^https?:\/\//i.test(text)) {
    return parseUrl(text, endpoint);
  }
  const [, name = '', wanted] = /^(?:hf\.co\/|huggingface\.co\/)?([^:]+)(?::(.+))?$/.exec(text) ?? [];
  return isRepository(name) ? hubReference(name, 'main', wanted) : undefined;
}

function isRepository(name: string): boolean {
  return repositoryName.test(name) && !name.includes('..') && !/\.gguf$/i.test(name);
}

function parseUrl(text: string, endpoint: string): Reference {
  const url = parsedUrl(text);
  if (url === undefined) {
    throw failed(`${text} is no address.`, 'Write it as https://HOST/PATH.gguf.');
  }
  const hosts = new Set([new URL(endpoint).host, 'huggingface.co', 'hf.co']);
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const repository = parts.slice(0, 2).join('/');
  if (hosts.has(url.host) && isRepository(repository)) {
    const [action, revision, ...file] = parts.slice(2);
    if (action === undefined) {
      return hubReference(repository, 'main', undefined);
    }
    if ((action === 'blob' || action === 'resolve' || action === 'tree') && revision !== undefined) {
      return hubReference(repository, revision, file.length === 0 ? undefined : file.join('/'));
    }
  }
  const file = parts.at(-1) ?? '';
  if (!/^[^/\\]{1,200}\.gguf$/i.test(file) || file.startsWith('.')) {
    throw failed(`${url.host}${url.pathname} names no GGUF file.`, 'Write the address of a file that ends with .gguf.');
  }
  return { kind: 'url', url, file };
}

function hubReference(repository: string, revision: string, wanted: string | undefined): HubReference {
  if (!/^[\w./-]{1,100}$/.test(revision) || revision.includes('..')) {
    throw failed(`${revision} is no revision of ${repository}.`);
  }
  return {
    kind: 'hub',
    repository,
    revision,
    wanted,
    known: wanted === undefined ? undefined : findByHubFile(repository, wanted),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
