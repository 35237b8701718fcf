/** The index as a feature of the server: its requests, and the client's reports of folders, documents and files. */

import {
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type ServerCapabilities,
  WorkDoneProgress,
  type WorkDoneProgressBegin,
  type WorkDoneProgressEnd,
  type WorkDoneProgressReport,
} from 'vscode-languageserver/node';
import type { Engine } from '../engine/engine';
import { checked, orNone, progressToken } from '../lsp/check-params';
import type { Feature, FeatureServices, Requests, StatusPart } from '../lsp/feature';
import {
  type ChooseContextParams,
  type ChooseContextResult,
  type ClearCacheParams,
  type ClearCacheResult,
  type ContextParams,
  type ContextResult,
  chooseContextRequest,
  clearCacheRequest,
  contextRequest,
  type EncodeParams,
  encodeRequest,
  type ServerSettings,
} from '../protocol/server';
import { anyString, fields, flag, oneOf, optional } from '../protocol/validate';
import type { WorkspaceIndex } from './workspace-index';

/** Milliseconds between two reports on the progress of a request. */
const progressMs = 250;

export class IndexFeature implements Feature {
  readonly #index: WorkspaceIndex;
  readonly #services: FeatureServices;
  #connection: Requests['connection'] | undefined;
  #capabilities: InitializeParams['capabilities'] | undefined;

  constructor(services: FeatureServices, index: WorkspaceIndex) {
    this.#services = services;
    this.#index = index;
  }

  register(requests: Requests): void {
    const { connection } = requests;
    this.#connection = connection;
    requests.on(contextRequest, async (params, signal): Promise<ContextResult> => {
      return { folders: await this.#index.contents(contextParams(params), signal) };
    });
    requests.on(chooseContextRequest, async (params, signal): Promise<ChooseContextResult> => {
      const secret = await this.#index.choose(chooseContextParams(params), signal);
      return secret === undefined ? null : { secret };
    });
    requests.on(encodeRequest, async (params, signal) => {
      const { workDoneToken } = encodeParams(params);
      await this.#services.host.ready(signal);
      await this.#encode(workDoneToken, signal);
      return null;
    });
    requests.on(clearCacheRequest, async (params, signal): Promise<ClearCacheResult> => {
      const { dryRun } = clearCacheParams(params);
      return { bytes: await this.#index.clearDisk(await this.#services.host.ready(signal), dryRun === true) };
    });
    const { documents } = this.#services;
    documents.onDidOpen((document) => this.#index.noteOpen(document));
    documents.onDidChange((document) => {
      this.#index.noteOpen(document);
      this.#index.lane.noteActivity();
    });
    documents.onDidSave((uri) => this.#index.noteFiles([uri]));
    documents.onDidClose((uri) => this.#index.noteClosed(uri));
    connection.onDidChangeWatchedFiles(({ changes }) => this.#index.noteFiles(changes.map(({ uri }) => uri)));
  }

  initialize({ workspaceFolders, rootUri, capabilities }: InitializeParams): ServerCapabilities {
    this.#capabilities = capabilities;
    // clients without workspace folders name one by the older field
    for (const folder of workspaceFolders?.map(({ uri }) => uri) ?? (rootUri === null ? [] : [rootUri])) {
      this.#index.addFolder(folder);
    }
    return { workspace: { workspaceFolders: { supported: true, changeNotifications: true } } };
  }

  initialized(): void {
    // the library throws when a client without workspace folders is asked to report changes of them
    if (this.#capabilities?.workspace?.workspaceFolders === true) {
      this.#connection?.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        for (const { uri } of removed) {
          void this.#index.removeFolder(uri);
        }
        for (const { uri } of added) {
          this.#index.addFolder(uri);
        }
      });
    }
    void this.#watchFiles();
  }

  configure({ repository }: ServerSettings): void {
    this.#index.configure(repository);
  }

  hostChanged(engine: Engine | undefined): void {
    this.#index.use(engine);
  }

  requestStarted(): void {
    this.#index.lane.noteActivity();
  }

  pause(): void {
    this.#index.lane.pause();
  }

  resume(): void {
    this.#index.lane.resume();
  }

  status(): StatusPart {
    const { status } = this.#index;
    return status === undefined ? {} : { repository: status };
  }

  shutdown(): Promise<void> {
    return this.#index.close();
  }

  /** Asks the client to report files that change; the index watches them itself where the client cannot. */
  async #watchFiles(): Promise<void> {
    if (this.#capabilities?.workspace?.didChangeWatchedFiles?.dynamicRegistration !== true) {
      this.#index.watch();
      return;
    }
    try {
      await this.#connection?.client.register(DidChangeWatchedFilesNotification.type, {
        watchers: [{ globPattern: '**/*' }],
      });
    } catch (error) {
      this.#services.log.warn(`The client does not watch files: ${String(error)}`);
      this.#index.watch();
    }
  }

  async #encode(token: string | number | undefined, signal: AbortSignal): Promise<void> {
    const { lane } = this.#index;
    if (token === undefined) {
      await lane.finish(signal);
      return;
    }
    const send = (value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd) => {
      this.#connection?.sendProgress(WorkDoneProgress.type, token, value).catch((error: unknown) => {
        this.#services.log.warn(`The progress was not sent: ${String(error)}`);
      });
    };
    const report = () => {
      const { progress } = lane;
      if (progress !== undefined) {
        const { filesDone, files, tokensDone, tokens } = progress;
        const percentage = Math.floor((100 * tokensDone) / Math.max(1, tokens));
        send({ kind: 'report', message: `${filesDone} of ${files} files`, percentage });
      }
    };
    send({ kind: 'begin', title: 'Encoding the repository', cancellable: true, percentage: 0 });
    const timer = setInterval(report, progressMs);
    try {
      await lane.finish(signal);
    } finally {
      clearInterval(timer);
      send({ kind: 'end' });
    }
  }
}

const checkContext = fields({ uri: optional(anyString) });

/** @throws ResponseError InvalidParams */
function contextParams(params: unknown): ContextParams {
  return checked(checkContext, orNone(params));
}

const checkChoice = fields({
  uri: anyString,
  choice: oneOf('include', 'exclude', 'default'),
  confirmed: optional(flag),
});

/** @throws ResponseError InvalidParams */
function chooseContextParams(params: unknown): ChooseContextParams {
  return checked(checkChoice, params);
}

const checkEncode = fields({ workDoneToken: progressToken });

/** @throws ResponseError InvalidParams */
function encodeParams(params: unknown): EncodeParams {
  return checked(checkEncode, orNone(params));
}

const checkClear = fields({ dryRun: optional(flag) });

/** @throws ResponseError InvalidParams */
function clearCacheParams(params: unknown): ClearCacheParams {
  return { dryRun: checked(checkClear, orNone(params)).dryRun === true };
}
