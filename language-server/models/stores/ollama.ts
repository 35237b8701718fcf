/** Ollama's store: a manifest for each name and tag, which names the file of the model by its hash. */

import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { readOwnText } from '../../base/cache-files';
import { list, object, optional, string } from '../../protocol/validate';
import { leadsInside } from './walk';

export interface OllamaModel {
  /** As one writes it: `qwen2.5-coder:1.5b`. */
  readonly name: string;
  /** undefined where the manifest names none that could be one. */
  readonly file: string | undefined;
  /** What is wrong, as the end of a sentence that begins with the name. */
  readonly problem: string | undefined;
}

const maxManifestBytes = 1 << 20;
const maxManifests = 1000;
const modelLayer = 'application/vnd.ollama.image.model';

/** @param folder the one that holds `manifests` and `blobs` */
export async function findOllamaModels(folder: string): Promise<OllamaModel[]> {
  const manifests = path.join(folder, 'manifests');
  const root = await realpath(folder).catch(() => undefined);
  if (root === undefined) {
    return [];
  }
  const found: OllamaModel[] = [];
  // HOST/NAMESPACE/MODEL/TAG
  for (const host of await names(manifests)) {
    for (const namespace of await names(path.join(manifests, host))) {
      for (const model of await names(path.join(manifests, host, namespace))) {
        for (const tag of await names(path.join(manifests, host, namespace, model))) {
          if (found.length >= maxManifests) {
            return found;
          }
          const manifest = path.join(manifests, host, namespace, model, tag);
          found.push(...(await modelOf(manifest, `${shortName(host, namespace, model)}:${tag}`, folder, root)));
        }
      }
    }
  }
  return found;
}

async function names(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isFile()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted();
}

function shortName(host: string, namespace: string, model: string): string {
  const isDefault = host === 'registry.ollama.ai';
  return [...(isDefault ? [] : [host]), ...(isDefault && namespace === 'library' ? [] : [namespace]), model].join('/');
}

/** @returns nothing for a manifest without a model, such as one of a model that runs elsewhere */
async function modelOf(manifest: string, name: string, folder: string, root: string): Promise<OllamaModel[]> {
  const digests = digestsOf(readOwnText(manifest, maxManifestBytes));
  if (digests === undefined) {
    return [{ name, file: undefined, problem: `has a manifest that cannot be read (${manifest})` }];
  }
  const [digest, ...others] = digests;
  if (digest === undefined) {
    return [];
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    return [{ name, file: undefined, problem: `has a manifest that names no file by its hash (${manifest})` }];
  }
  const file = path.join(folder, 'blobs', digest.replace(':', '-'));
  if ((await stat(file).catch(() => undefined)) === undefined) {
    const problem = `is listed by Ollama, and its file is missing; "ollama pull ${name}" brings it back`;
    return [{ name, file, problem }];
  }
  if (!(await leadsInside(file, root))) {
    return [{ name, file, problem: "has a file that leads out of Ollama's folder" }];
  }
  return [{ name, file, problem: others.length > 0 ? 'consists of several files' : undefined }];
}

const manifestCheck = list((value, name) => {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name} must be an object`);
  }
  const { mediaType, digest } = value as { mediaType?: unknown; digest?: unknown };
  return object({ mediaType: optional(string(200)), digest: optional(string(200)) })({ mediaType, digest }, name);
}, 1000);

/** Of the layers that are models. @returns undefined for a text that is no manifest */
function digestsOf(manifest: string | undefined): string[] | undefined {
  try {
    const { layers } = JSON.parse(manifest ?? '') as { layers?: unknown };
    return manifestCheck(layers ?? [], 'layers')
      .filter(({ mediaType }) => mediaType === modelLayer)
      .map(({ digest }) => digest ?? '');
  } catch {
    return undefined;
  }
}
