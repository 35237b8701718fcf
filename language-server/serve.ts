/** The language server on a connection: what it offers, and how requests reach the model. */

import {
  type CancellationToken,
  type Connection,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  ProgressType,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { Chat } from './chat/ask';
import { answerMessages } from './chat/messages';
import { Completer } from './completion/complete';
import { WarmUp } from './completion/warm-up';
import type { Engine, EngineFactory } from './engine/engine';
import { cancelled, isCancelled, toEngineError } from './engine/errors';
import { ModelHost } from './engine/model-host';
import { completeAt, feedAhead, noCompletion, toList, whyNone } from './inline-completion';
import type { Log } from './log';
import { defaultIdleMs, IdleMeter } from './measure/idle-meter';
import { resolveModel } from './models/resolve-model';
import { askParams, chatParams, countTokensParams, type DocumentPosition, documentPosition } from './params';
import {
  type AskResult,
  type AskSize,
  askRequest,
  askSizeRequest,
  type ChatResult,
  type CountTokensResult,
  chatRequest,
  countTokensRequest,
  focusNotification,
  getStatusRequest,
  measureRequest,
  pauseRequest,
  resumeRequest,
  type Status,
  statusNotification,
  unloadRequest,
} from './protocol';
import { Scheduler } from './scheduler';
import { checkSettings, defaultSettings, engineKey } from './settings';
import { requestStatus, StatusReporter } from './status';
import { toLf, wellFormed } from './text';
import { Workspace } from './workspace';

const partialAnswer = new ProgressType<{ readonly text: string; readonly read?: number }>();
/** Milliseconds between two words on how much of a prompt is read. */
const leastMsBetweenReads = 200;

export interface ServeOptions {
  readonly version: string;
  /** Without a request for so long, the machine counts as idle. */
  readonly idleMs?: number | undefined;
}

/** Serves until the client's connection ends. Without a model it serves as well, and says so in its status. */
export function serve(connection: Connection, createEngine: EngineFactory, options: ServeOptions): void {
  new Server(connection, createEngine, options).listen();
}

class Server {
  readonly #connection: Connection;
  readonly #version: string;
  readonly #log: Log;
  readonly #host: ModelHost;
  readonly #meter: IdleMeter;
  readonly #status: StatusReporter;
  readonly #documents = new TextDocuments(TextDocument);
  readonly #workspace = new Workspace();
  readonly #completer = new Completer();
  readonly #scheduler = new Scheduler();
  readonly #warmUp: WarmUp;
  readonly #chat = new Chat(this.#workspace);
  #settings = defaultSettings;
  #folderChanges = false;
  #lastReason = '';

  constructor(connection: Connection, createEngine: EngineFactory, options: ServeOptions) {
    this.#connection = connection;
    this.#version = options.version;
    const { console } = connection;
    this.#log = {
      info: (message) => console.info(message),
      warn: (message) => console.warn(message),
      error: (message) => console.error(message),
    };
    this.#host = new ModelHost({
      createEngine,
      resolveModel: (settings) => resolveModel(settings.modelPath),
      log: this.#log,
      onChange: () => this.#status.changed(),
    });
    this.#meter = new IdleMeter({
      host: this.#host,
      log: this.#log,
      onChange: () => this.#status.changed(),
      idleMs: options.idleMs ?? defaultIdleMs,
    });
    this.#warmUp = new WarmUp({
      ready: (signal) => this.#host.ready(signal),
      feed: (engine, at, signal) => this.#feedAhead(engine, at, signal),
      log: this.#log,
    });
    this.#status = new StatusReporter(
      this.#host,
      this.#meter,
      () => this.#workspace.status,
      (status) => this.#sendStatus(status),
    );
  }

  listen(): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#initialized());
    connection.onDidChangeConfiguration(({ settings }: { settings: unknown }) => this.#configure(settings));
    connection.onShutdown(async () => {
      this.#warmUp.end();
      this.#meter.close();
      this.#status.close();
      await this.#host.close();
    });
    connection.onRequest('textDocument/inlineCompletion', (params: unknown, token: CancellationToken) =>
      this.#guard(token, (signal) => this.#urgent(() => this.#inlineCompletion(params, signal))),
    );
    connection.onRequest(askRequest, (params: unknown, token: CancellationToken) =>
      this.#guard(token, (signal) => this.#urgent(() => this.#ask(params, signal))),
    );
    connection.onRequest(askSizeRequest, (params: unknown, token: CancellationToken) =>
      this.#guard(token, (signal) => this.#askSize(params, signal)),
    );
    connection.onRequest(chatRequest, (params: unknown, token: CancellationToken) =>
      this.#guard(token, (signal) => this.#urgent(() => this.#answerMessages(params, signal))),
    );
    connection.onRequest(countTokensRequest, (params: unknown, token: CancellationToken) =>
      this.#guard(token, (signal) => this.#countTokens(params, signal)),
    );
    connection.onRequest(getStatusRequest, () => this.#status.record());
    connection.onRequest(measureRequest, (...params: unknown[]) =>
      // the token comes last, behind parameters that a client may send though there are none
      this.#guard<unknown>(params.at(-1) as CancellationToken, (signal) => this.#measure(signal)),
    );
    connection.onRequest(pauseRequest, () => {
      this.#warmUp.end();
      this.#meter.stop();
      this.#host.pause();
    });
    connection.onRequest(resumeRequest, () => this.#host.resume());
    connection.onRequest(unloadRequest, () => this.#host.unload());
    connection.onNotification(focusNotification, (params: unknown) => this.#focus(params));
    this.#documents.listen(connection);
    connection.listen();
  }

  #initialize(params: InitializeParams): InitializeResult {
    this.#take(params.initializationOptions);
    // clients without workspace folders name one by the older field
    const folders = params.workspaceFolders?.map(({ uri }) => uri) ?? (params.rootUri === null ? [] : [params.rootUri]);
    for (const folder of folders) {
      this.#workspace.addFolder(folder);
    }
    // the library throws when a client that never heard of them is asked to tell of changes
    this.#folderChanges = params.capabilities.workspace?.workspaceFolders === true;
    return {
      serverInfo: { name: 'fasa-code', version: this.#version },
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        inlineCompletionProvider: true,
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  }

  #initialized(): void {
    if (this.#folderChanges) {
      this.#watchFolders();
    }
    this.#host.configure(this.#settings);
  }

  #watchFolders(): void {
    this.#connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      for (const folder of removed) {
        this.#workspace.removeFolder(folder.uri);
      }
      for (const folder of added) {
        this.#workspace.addFolder(folder.uri);
      }
    });
  }

  #configure(settings: unknown): void {
    const section: unknown = isRecord(settings) && 'fasa' in settings ? settings['fasa'] : settings;
    if (section === null || section === undefined) {
      return;
    }
    const before = engineKey(this.#settings);
    this.#take(section);
    if (engineKey(this.#settings) !== before) {
      this.#completer.clearCache();
    }
    this.#host.configure(this.#settings);
  }

  #take(value: unknown): void {
    const { settings, problems } = checkSettings(value);
    for (const problem of problems) {
      this.#log.warn(problem);
    }
    this.#settings = settings;
  }

  /** What a person waits for ends everything that is done ahead of time or in idle time. */
  async #urgent<T>(request: () => Promise<T>): Promise<T> {
    this.#warmUp.end();
    return this.#meter.during(request);
  }

  #focus(params: unknown): void {
    try {
      void this.#warmUp.focused(documentPosition(params));
    } catch (error) {
      this.#log.warn(`${focusNotification}: ${String(error)}`); // a notification has no answer to say it in
    }
  }

  async #feedAhead(engine: Engine, at: DocumentPosition, signal: AbortSignal): Promise<void> {
    const settings = this.#settings.completion;
    const document = this.#documents.get(at.uri);
    if (document === undefined || whyNone(document, at, settings) !== undefined) {
      return;
    }
    const parts = { host: this.#host, completer: this.#completer, workspace: this.#workspace };
    await feedAhead(parts, engine, document, at, settings, signal);
  }

  async #inlineCompletion(params: unknown, signal: AbortSignal): Promise<unknown> {
    const position = documentPosition(params);
    const settings = this.#settings.completion;
    const document = this.#documents.get(position.uri);
    const none = whyNone(document, position, settings);
    if (none !== undefined || document === undefined) {
      this.#logReason(none ?? '');
      return noCompletion;
    }
    const parts = { host: this.#host, completer: this.#completer, workspace: this.#workspace };
    try {
      const outcome = await this.#scheduler.inline(position.uri, signal, (own) =>
        completeAt(parts, document, position, settings, own),
      );
      if (outcome.generation !== undefined) {
        this.#status.noteRequest(requestStatus('inline', outcome.generation));
      }
      return toList(outcome, position);
    } catch (error) {
      if (signal.aborted) {
        throw cancelled();
      }
      // nobody wants a message per keystroke: the status says what is wrong
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#logReason(`${failure.code}: ${failure.message}`);
      }
      return noCompletion;
    }
  }

  async #ask(params: unknown, signal: AbortSignal): Promise<AskResult> {
    const { partialResultToken: token, ...question } = askParams(params);
    const engine = await this.#host.ready(signal);
    let told = 0;
    const { generation, size } = await this.#host.whileBusy(() =>
      this.#chat.ask(engine, {
        ...question,
        signal,
        openText: (uri) => this.#documents.get(uri)?.getText(),
        onText: (text) => this.#sendPart(token, { text }),
        onProgress: (read) => {
          if (performance.now() - told > leastMsBetweenReads) {
            told = performance.now();
            this.#sendPart(token, { text: '', read });
          }
        },
      }),
    );
    const stats = requestStatus('chat', generation);
    this.#status.noteRequest(stats);
    return { text: generation.text, citations: [], stats, size };
  }

  async #askSize(params: unknown, signal: AbortSignal): Promise<AskSize> {
    const { partialResultToken: _token, ...question } = askParams(params);
    const engine = await this.#host.ready(signal);
    return this.#chat.size(engine, { ...question, signal, openText: (uri) => this.#documents.get(uri)?.getText() });
  }

  async #answerMessages(params: unknown, signal: AbortSignal): Promise<ChatResult> {
    const { partialResultToken: token, ...asked } = chatParams(params);
    const engine = await this.#host.ready(signal);
    const generation = await this.#host.whileBusy(() =>
      answerMessages(engine, { ...asked, signal, onText: (text) => this.#sendPart(token, { text }) }),
    );
    const stats = requestStatus('chat', generation);
    this.#status.noteRequest(stats);
    return { text: generation.text, stats };
  }

  async #countTokens(params: unknown, signal: AbortSignal): Promise<CountTokensResult> {
    const texts = countTokensParams(params);
    const engine = await this.#host.ready(signal);
    return { counts: texts.map((text) => engine.tokenize(wellFormed(toLf(text))).length) };
  }

  #sendPart(token: string | number | undefined, part: { readonly text: string; readonly read?: number }): void {
    if (token !== undefined) {
      void this.#connection.sendProgress(partialAnswer, token, part);
    }
  }

  async #measure(signal: AbortSignal): Promise<Status> {
    this.#meter.stop();
    await this.#host.whileBusy(() => this.#meter.measureNow(signal));
    return this.#status.record();
  }

  /** LSP's cancellation as a signal, typed errors as responses with their code and remedy. */
  async #guard<T>(
    token: CancellationToken,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | ResponseError<unknown>> {
    const controller = new AbortController();
    const subscription = token.onCancellationRequested(() => controller.abort());
    if (token.isCancellationRequested) {
      controller.abort();
    }
    try {
      return await work(controller.signal);
    } catch (error) {
      if (error instanceof ResponseError) {
        return error;
      }
      const failure = toEngineError(error);
      const code = isCancelled(failure) ? LSPErrorCodes.RequestCancelled : LSPErrorCodes.RequestFailed;
      return new ResponseError(code, `${failure.message} ${failure.remedy}`, failure.toProblem());
    } finally {
      subscription.dispose();
    }
  }

  /** Once, not for each keystroke. */
  #logReason(reason: string): void {
    if (reason !== this.#lastReason) {
      this.#lastReason = reason;
      this.#log.info(`No completion: ${reason}`);
    }
  }

  #sendStatus(status: Status): void {
    this.#connection.sendNotification(statusNotification, status).catch((error: unknown) => {
      this.#log.error(`The status was not sent: ${String(error)}`);
    });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
