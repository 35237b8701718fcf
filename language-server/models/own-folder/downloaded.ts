/** Files that were fetched from the hub: in our folder below the name of their repository, so that no two are in each other's way. */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { modelsFolder } from '../../base/cache-folder';
import { type HubModel, matchesPattern } from '../catalogue';

type Environment = Readonly<Record<string, string | undefined>>;

/** @param repository OWNER/NAME */
export function hubFolder(repository: string, environment: Environment = process.env): string {
  return path.join(modelsFolder(environment), ...repository.split('/'));
}

/** Those of a model of the catalogue: the quantization that it names first. Of a split model, the first part. */
export async function downloadedFiles({ hub }: HubModel, environment: Environment = process.env): Promise<string[]> {
  const folder = hubFolder(hub.repository, environment);
  const names = await readdir(folder).catch(() => []);
  const own = names.filter((name) => matchesPattern(hub.file, name) && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(name));
  const isDefault = (name: string) => matchesPattern(hub.file, name, hub.quantization);
  return own.toSorted((a, b) => Number(isDefault(b)) - Number(isDefault(a))).map((name) => path.join(folder, name));
}
