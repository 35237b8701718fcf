/** The language server on a connection: the list of its features, and what they share. */

import {
  type Connection,
  type InitializeParams,
  type InitializeResult,
  type ServerCapabilities,
  TextDocumentSyncKind,
} from 'vscode-languageserver/node';
import type { Log } from '../base/log';
import { ChatFeature } from '../chat/feature';
import { CompletionFeature } from '../completion/feature';
import type { CompletionAnswer } from '../completion/inline-completion';
import type { EngineFactory } from '../engine/engine';
import { ModelHost } from '../engine/model-host';
import { IndexFeature } from '../index/feature';
import { WorkspaceIndex } from '../index/workspace-index';
import { Documents } from '../lsp/documents';
import type { Feature, FeatureServices } from '../lsp/feature';
import { choosePositionEncoding } from '../lsp/position-encoding';
import { MeterFeature } from '../meter/feature';
import { resolveModel } from '../models/resolve-model';
import {
  getStatusRequest,
  pauseRequest,
  resumeRequest,
  type Status,
  statusNotification,
  unloadRequest,
} from '../protocol/server';
import { isRecord } from '../protocol/validate';
import { Ending } from './ending';
import { ModelsFeature } from './models-feature';
import { RequestRouter } from './request-router';
import { checkSettings, defaultSettings, engineSettings } from './settings';
import { StatusReporter } from './status';

interface ServeOptions {
  readonly version: string;
  /** Milliseconds without a request after which the machine counts as idle. */
  readonly idleMs?: number | undefined;
  /**
   * Settles when the process is to end, with this code, or with 0 after `shutdown`: the client's pipe has ended, or a
   * signal came.
   */
  readonly ended?: Promise<number> | undefined;
  /** Hears what became of each completion request: benchmarks count them. */
  readonly onCompletion?: (answer: CompletionAnswer) => void;
}

/** Serves until the client's connection ends. Without a model it serves as well, and says so in its status. */
export function serve(connection: Connection, createEngine: EngineFactory, options: ServeOptions): void {
  new Server(connection, createEngine, options).listen(options.ended);
}

class Server {
  readonly #connection: Connection;
  readonly #version: string;
  readonly #log: Log;
  readonly #host: ModelHost;
  readonly #status: StatusReporter;
  readonly #documents = new Documents();
  /**
   * They are called in this order: the index gives back the chunks of an old engine before other features use the new
   * one.
   */
  readonly #features: readonly Feature[];
  readonly #ending = new Ending();
  #closing: Promise<void> | undefined;
  #isShutDown = false;
  #settings = defaultSettings;

  constructor(connection: Connection, createEngine: EngineFactory, options: ServeOptions) {
    this.#connection = connection;
    this.#version = options.version;
    this.#log = logOf(connection);
    this.#host = new ModelHost({
      createEngine,
      resolveModel: (modelPath, signal) => resolveModel(modelPath, false, process.env, { signal }),
      log: this.#log,
      onChange: () => this.#hostChanged(),
    });
    this.#status = new StatusReporter(
      this.#host,
      () => this.#features.map((feature) => feature.status?.() ?? {}),
      (status) => this.#sendStatus(status),
    );
    const services: FeatureServices = {
      host: this.#host,
      documents: this.#documents,
      log: this.#log,
      status: this.#status,
      settings: () => this.#settings,
    };
    const index = new WorkspaceIndex({
      log: this.#log,
      onChange: () => this.#status.changed(),
      settings: this.#settings.repository,
    });
    this.#features = [
      new IndexFeature(services, index),
      new CompletionFeature(services, index, options.onCompletion),
      new ChatFeature(services, index),
      new MeterFeature(services, index, options.idleMs),
      new ModelsFeature(services),
    ];
  }

  listen(ended: Promise<number> | undefined): void {
    // an engine in the middle of a prefill is closed first: at the exit of the process it would be too late
    void ended?.then(async (code) => {
      await this.#close();
      process.exit(this.#isShutDown ? 0 : code);
    });
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#initialized());
    connection.onDidChangeConfiguration(({ settings }: { settings: unknown }) => this.#configure(settings));
    connection.onShutdown(async () => {
      await this.#close();
      this.#isShutDown = true;
    });
    const requests = new RequestRouter(connection, this.#features);
    requests.on(getStatusRequest, () => this.#status.record());
    requests.on(pauseRequest, () => this.#pause());
    requests.on(resumeRequest, () => this.#resume());
    requests.on(unloadRequest, () => this.#host.unload());
    for (const feature of this.#features) {
      feature.register(requests);
    }
    this.#documents.listen(connection, (sentence) => this.#log.warn(sentence));
    connection.listen();
  }

  #initialize(params: InitializeParams): InitializeResult {
    this.#take(params.initializationOptions);
    const positionEncoding = choosePositionEncoding(params.capabilities.general?.positionEncodings);
    this.#documents.use(positionEncoding);
    const capabilities: ServerCapabilities = {
      positionEncoding,
      textDocumentSync: TextDocumentSyncKind.Incremental,
      notebookDocumentSync: { notebookSelector: [{ notebook: '*', cells: [{ language: '*' }] }] },
    };
    return {
      serverInfo: { name: 'fasa-code', version: this.#version },
      capabilities: Object.assign(capabilities, ...this.#features.map((feature) => feature.initialize?.(params))),
    };
  }

  #initialized(): void {
    for (const feature of this.#features) {
      feature.initialized?.();
    }
    this.#host.configure(engineSettings(this.#settings, this.#log));
  }

  #configure(settings: unknown): void {
    const section: unknown = isRecord(settings) && 'fasa' in settings ? settings['fasa'] : settings;
    if (section === null || section === undefined) {
      return;
    }
    this.#take(section);
    this.#host.configure(engineSettings(this.#settings, this.#log));
  }

  #take(value: unknown): void {
    const { settings, problems } = checkSettings(value);
    for (const problem of problems) {
      this.#log.warn(problem);
    }
    const before = this.#settings;
    this.#settings = settings;
    for (const feature of this.#features) {
      feature.configure?.(settings, before);
    }
  }

  #pause(): void {
    for (const feature of this.#features) {
      feature.pause?.();
    }
    this.#host.pause();
  }

  #resume(): void {
    this.#host.resume();
    for (const feature of this.#features) {
      feature.resume?.();
    }
  }

  #hostChanged(): void {
    for (const feature of this.#features) {
      feature.hostChanged?.(this.#host.engine);
    }
    this.#status.changed();
  }

  /** Closes everything once, whoever asks first. */
  #close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  #end(): Promise<void> {
    const ended = Promise.all(this.#features.map((feature) => feature.shutdown?.()));
    this.#status.close();
    return this.#ending.close(
      {
        index: async () => {
          await ended;
        },
        model: () => this.#host.close(),
      },
      (sentence) => this.#log.warn(sentence),
    );
  }

  #sendStatus(status: Status): void {
    this.#connection.sendNotification(statusNotification, status).catch((error: unknown) => {
      this.#log.error(`The status was not sent: ${String(error)}`);
    });
  }
}

/** A log that goes to the client's output channel. */
function logOf({ console }: Connection): Log {
  return {
    info: (message) => console.info(message),
    warn: (message) => console.warn(message),
    error: (message) => console.error(message),
  };
}
