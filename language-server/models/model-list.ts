/** One list for every face: what is on this machine, whether it can be used and fits, and what the catalogue can fetch. */

import path from 'node:path';
import { modelsFolder } from '../base/cache-folder';
import { throwIfAborted } from '../base/errors';
import { displayName } from '../engine/display-name';
import type { ListedModel } from '../protocol/models';
import { type CatalogueModel, catalogue, defaultModel, findByHubFile } from './catalogue';
import { bestOf, type FreeMemory, fitOf } from './fit';
import type { AttemptOptions } from './hub/attempts';
import { lookAtModel } from './hub/look';
import { partBytes } from './hub/partial-file';
import { parseReference } from './hub/reference';
import { type FoundModel, findModelFile, findModels } from './stores/find-models';
import type { Machine } from './stores/locations';
import { findFiles } from './stores/walk';
import { supportedArchitectures } from './support';
import { type CheckOptions, stateOfModel } from './verified';

export interface ListOptions extends CheckOptions {
  readonly machine?: Machine;
  readonly memory: FreeMemory;
  /** That a model would be loaded with. */
  readonly contextTokens: number;
}

/** @throws EngineError CANCELLED */
export async function listModels(options: ListOptions): Promise<ListedModel[]> {
  const found = await findModels(options.machine);
  const here = await Promise.all(found.map((model) => listed(model, options)));
  const begun = await begunDownloads(options.machine?.environment);
  const names = new Set(here.flatMap(({ catalogue: known }) => known?.name ?? []));
  const elsewhere = catalogue.filter(({ name }) => !names.has(name)).map(fetchable);
  const usable = here.filter(({ support }) => support.supported);
  const best = bestOf(usable, ({ fit }) => fit);
  return [...here.map((model) => ({ ...model, best: model === best })), ...begun, ...elsewhere];
}

const looksAtOnce = 4;

/**
 * The models of the catalogue that are not here, with what the hub says of their size.
 * @throws EngineError CANCELLED; what was wrong where the hub says nothing of any
 */
export async function recommendModels(attempts: AttemptOptions, options: ListOptions): Promise<ListedModel[]> {
  const elsewhere = (await listModels(options)).filter(({ store }) => store === undefined);
  const looked: ListedModel[] = [];
  const failures: unknown[] = [];
  for (let i = 0; i < elsewhere.length; i += looksAtOnce) {
    const some = elsewhere.slice(i, i + looksAtOnce).map((model) =>
      withFigures(model, attempts, options).catch((error: unknown) => {
        failures.push(error);
        return model;
      }),
    );
    looked.push(...(await Promise.all(some)));
    throwIfAborted(attempts.signal);
  }
  if (failures.length > 0 && looked.every(({ fit }) => fit === undefined)) {
    throw failures[0];
  }
  const best = bestOf(
    looked.filter(({ support }) => support.supported),
    ({ fit }) => fit,
  );
  return looked.map((model) => ({ ...model, best: model === best }));
}

async function withFigures(model: ListedModel, attempts: AttemptOptions, options: ListOptions): Promise<ListedModel> {
  const reference = model.support.supported ? parseReference(model.id, attempts.hub.endpoint) : undefined;
  if (reference?.kind !== 'hub') {
    return model;
  }
  const { bytes, fit, support } = await lookAtModel(reference, attempts, options.memory, options.contextTokens);
  return { ...model, bytes, support, ...(fit === undefined ? {} : { fit }) };
}

/** A file that the user names, as the list would show it. */
export async function describeModelFile(file: string, options: ListOptions): Promise<ListedModel> {
  return listed(await findModelFile(path.resolve(file)), options);
}

/** Of the hub: by the folders that it was begun in, it can go on. */
async function begunDownloads(environment?: Machine['environment']): Promise<ListedModel[]> {
  const folder = modelsFolder(environment);
  const begun: ListedModel[] = [];
  for (const part of await findFiles(folder, (name) => /\.gguf\.part$/i.test(name))) {
    const file = part.replace(/\.part$/, '');
    const storeName = path.relative(folder, file);
    const [owner, repository, ...rest] = storeName.split(path.sep);
    begun.push({
      id: rest.length === 1 ? `${owner}/${repository}:${rest[0]}` : file,
      name: path.basename(file),
      file,
      store: 'own',
      storeName,
      begunBytes: await partBytes(file),
      support: { supported: false, reason: 'is not here whole' },
      best: false,
      removable: true,
    });
  }
  return begun;
}

async function listed(found: FoundModel, options: ListOptions): Promise<ListedModel> {
  const { file, bytes, store, storeName, header } = found;
  const known = knownAs(found, options.machine);
  const support = known === undefined ? found.support : await checkedSupport(found, known, options);
  const kvBytesPerToken = header?.kvBytesPerToken;
  const fit =
    header === undefined || kvBytesPerToken === undefined || !support.supported
      ? {}
      : {
          fit: fitOf(
            { bytes, kvBytesPerToken, trainedContext: header.trainedContext },
            options.memory,
            options.contextTokens,
          ),
        };
  return {
    id: file === '' ? storeName : file,
    name: known === undefined || header === undefined ? found.name : displayName(header, storeName, known.title),
    ...(file === '' ? {} : { file }),
    store,
    storeName,
    bytes,
    ...(header?.architecture === undefined ? {} : { architecture: header.architecture }),
    support,
    ...fit,
    best: false,
    removable: store === 'own',
    ...(known === undefined ? {} : { catalogue: facts(known) }),
  };
}

/** Of our own folder: by the repository that its folders are named after. */
function knownAs({ store, storeName, file }: FoundModel, machine: Machine = {}): CatalogueModel | undefined {
  if (store !== 'own') {
    return undefined;
  }
  if (file === path.join(modelsFolder(machine.environment), defaultModel.file)) {
    return defaultModel;
  }
  const [owner = '', repository = '', ...rest] = storeName.split(path.sep);
  return findByHubFile(`${owner}/${repository}`, rest.join('/'));
}

/** A file of the default model's name that is another one is not used as it. */
async function checkedSupport(found: FoundModel, known: CatalogueModel, options: ListOptions) {
  if (!('wheel' in known)) {
    return found.support;
  }
  const state = await stateOfModel(found.file, known, options);
  return state.kind === 'wrong' ? ({ supported: false, reason: state.what } as const) : found.support;
}

function fetchable(known: CatalogueModel): ListedModel {
  const { name, title, architecture } = known;
  const isOurs = architecture === undefined || supportedArchitectures.includes(architecture);
  return {
    id: name,
    name: title,
    ...('wheel' in known ? { bytes: known.bytes } : {}),
    ...(architecture === undefined ? {} : { architecture }),
    support: isOurs
      ? { supported: true }
      : { supported: false, reason: `is of the architecture ${architecture}, which is not supported yet` },
    best: false,
    removable: false,
    catalogue: facts(known),
  };
}

function facts(known: CatalogueModel): NonNullable<ListedModel['catalogue']> {
  const { name, license, use, note } = known;
  return { name, license, use, note, ...('hub' in known ? { repository: known.hub.repository } : {}) };
}
