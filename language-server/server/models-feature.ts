/** Models as a feature of the server: what is here, what the hub has, one download at a time, what is removed. */

import { modelsFolder } from '../base/cache-folder';
import { EngineError } from '../base/errors';
import { memoryAvailable } from '../engine/memory';
import { maxDefaultContext } from '../engine/native/native-engine';
import { checked } from '../lsp/check-params';
import type { Feature, FeatureServices, Requests, StatusPart } from '../lsp/feature';
import { requireReference } from '../models/fetch-any';
import { lookAtModel } from '../models/hub/look';
import { type HubOptions, hubOptions } from '../models/hub/options';
import { describeModelFile, type ListOptions, listModels, recommendModels } from '../models/model-list';
import { isDownloading } from '../models/own-folder/lock-and-space';
import { removeModel } from '../models/own-folder/remove-model';
import { limits } from '../protocol/limits';
import {
  checkModelRequest,
  type FetchModelResult,
  fetchModelRequest,
  listModelsRequest,
  lookAtModelRequest,
  type ModelList,
  pauseDownloadRequest,
  type RemoteModel,
  type RemoveModelResult,
  recommendModelsRequest,
  removeModelRequest,
} from '../protocol/models';
import { fields, string } from '../protocol/validate';
import { Download } from './download';

const modelParams = fields({ model: string(limits.label) });
const fileParams = fields({ file: string(limits.uri) });

export class ModelsFeature implements Feature {
  readonly #services: FeatureServices;
  readonly #download: Download;

  constructor(services: FeatureServices) {
    this.#services = services;
    this.#download = new Download(() => services.status.changed());
  }

  register(requests: Requests): void {
    requests.on(listModelsRequest, (_params, signal) => this.#list(signal));
    requests.on(lookAtModelRequest, (params, signal) => this.#look(checked(modelParams, params).model, signal));
    requests.on(recommendModelsRequest, (_params, signal) =>
      recommendModels({ hub: impatient(this.#hub()), signal }, this.#listOptions(signal)),
    );
    requests.on(checkModelRequest, (params, signal) =>
      describeModelFile(checked(fileParams, params).file, this.#listOptions(signal)),
    );
    requests.on(fetchModelRequest, (params, signal) => this.#fetch(checked(modelParams, params).model.trim(), signal));
    requests.on(pauseDownloadRequest, async () => {
      await this.#download.pause();
      return null;
    });
    requests.on(removeModelRequest, (params) => this.#remove(checked(fileParams, params).file));
  }

  status(): StatusPart {
    const { status } = this.#download;
    return status === undefined ? {} : { download: status };
  }

  /** What is here of a download is kept. */
  shutdown(): Promise<void> {
    return this.#download.pause();
  }

  async #list(signal: AbortSignal): Promise<ModelList> {
    const folder = modelsFolder();
    const loaded = this.#services.host.engine?.model.path;
    const fromEnvironment = process.env['FASA_MODEL'] ?? '';
    return {
      models: await listModels(this.#listOptions(signal)),
      folder,
      ...(loaded === undefined ? {} : { loaded }),
      ...(fromEnvironment === '' ? {} : { fromEnvironment }),
      isDownloadedElsewhere: this.#download.status === undefined && (await isDownloading(folder)),
    };
  }

  async #look(model: string, signal: AbortSignal): Promise<RemoteModel> {
    const hub = this.#hub();
    const reference = requireReference(model.trim(), hub);
    if (reference.kind === 'url') {
      throw new EngineError('USAGE', `${model} is an address, of which nothing is known before it is fetched.`, {
        remedy: 'Download it, or write OWNER/REPOSITORY to look at a model of the hub.',
      });
    }
    const { memory, contextTokens } = this.#listOptions(signal);
    return lookAtModel(reference, { hub: impatient(hub), signal }, memory, contextTokens);
  }

  async #fetch(model: string, signal: AbortSignal): Promise<FetchModelResult> {
    const { host, log } = this.#services;
    const result = await this.#download.fetch(model, this.#hub(), signal);
    log.info(`${result.name} is in ${result.file}`);
    const problem = host.problem?.code;
    if (problem === 'MODEL_NOT_FOUND' || problem === 'WRONG_MODEL') {
      // it may be the one that was missing
      host.reload();
    }
    return result;
  }

  async #remove(file: string): Promise<RemoveModelResult> {
    if (this.#download.status !== undefined) {
      throw this.#download.busy();
    }
    return { removed: await removeModel(file) };
  }

  #listOptions(signal: AbortSignal): ListOptions {
    const { contextTokens, models } = this.#services.settings();
    return {
      machine: { folders: models.folders },
      memory: { host: memoryAvailable() },
      contextTokens: contextTokens > 0 ? contextTokens : maxDefaultContext,
      signal,
    };
  }

  #hub(): HubOptions {
    const { mirror, proxy = '' } = this.#services.settings().models;
    return hubOptions({ endpoint: mirror, proxy });
  }
}

/** For what a person waits for, with a list open. */
function impatient(hub: HubOptions): HubOptions {
  return { ...hub, timing: { ...hub.timing, maxAttempts: 2 } };
}
