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
} from 'vscode-languageserver/node';
import { isCancelled, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import { toLf, wellFormed } from '../base/text';
import { Chat } from '../chat/ask';
import { answerMessages } from '../chat/messages';
import { closeTemplates } from '../chat/template/template';
import { InlineCompletions } from '../completion/inline-completion';
import { WarmUp } from '../completion/trigger/warm-up';
import { BackgroundCalibration } from '../engine/calibration/background-calibration';
import type { EngineFactory } from '../engine/engine';
import { ModelHost } from '../engine/model-host';
import { ContextService } from '../index/context-service';
import { chunkStore } from '../index/encode/store';
import { defaultIdleMs, IdleMeter } from '../meter/idle-meter';
import { resolveModel } from '../models/resolve-model';
import {
  type AskResult,
  type AskSize,
  askRequest,
  askSizeRequest,
  type ChatResult,
  type CountTokensResult,
  chatRequest,
  completionCountsRequest,
  countTokensRequest,
  focusNotification,
  getStatusRequest,
  measureRequest,
  pauseRequest,
  resumeRequest,
  type ServerSettings,
  type Status,
  statusNotification,
  unloadRequest,
} from '../protocol/server';
import { isRecord } from '../protocol/validate';
import { serveContext, watchFiles } from './context-requests';
import { Documents } from './documents';
import { Ending } from './ending';
import { askParams, chatParams, countTokensParams, documentPosition, inlineCompletionRequest } from './params';
import { choosePositionEncoding } from './position-encoding';
import { checkSettings, defaultSettings, engineKey } from './settings';
import { requestStatus, StatusReporter } from './status';

const partialAnswer = new ProgressType<{ readonly text: string; readonly read?: number }>();
/** Milliseconds between two words on how much of a prompt is read. */
const minMsBetweenReads = 200;

export interface ServeOptions {
  readonly version: string;
  /** Without a request for so long, the machine counts as idle. */
  readonly idleMs?: number | undefined;
  /** The process is to end, with this code, or with 0 after `shutdown`: the client's pipe has ended, or a signal came. */
  readonly ended?: Promise<number> | undefined;
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
  readonly #meter: IdleMeter;
  readonly #calibration: BackgroundCalibration;
  readonly #status: StatusReporter;
  readonly #documents = new Documents((edit) => this.#inline.edited(edit));
  readonly #context: ContextService;
  readonly #inline: InlineCompletions;
  readonly #warmUp: WarmUp;
  readonly #chat: Chat;
  readonly #ending = new Ending();
  #closing: Promise<void> | undefined;
  #isShutDown = false;
  #settings = defaultSettings;
  #capabilities: InitializeParams['capabilities'] | undefined;

  constructor(connection: Connection, createEngine: EngineFactory, options: ServeOptions) {
    this.#connection = connection;
    this.#version = options.version;
    const { console } = connection;
    this.#log = {
      info: (message) => console.info(message),
      warn: (message) => console.warn(message),
      error: (message) => console.error(message),
    };
    this.#context = new ContextService({
      log: this.#log,
      onChange: () => this.#status.changed(),
      settings: this.#settings.repository,
    });
    this.#chat = new Chat(this.#context.workspace, (uris, text) => this.#context.chunksForQuestion(uris, text));
    this.#host = new ModelHost({
      createEngine,
      resolveModel: (settings, signal) => resolveModel(settings.modelPath, false, process.env, { signal }),
      log: this.#log,
      store: ({ attention, repository }) => chunkStore(attention, repository, this.#log),
      onChange: () => {
        this.#context.use(this.#host.engine);
        this.#calibration.consider();
        this.#status.changed();
      },
    });
    this.#meter = new IdleMeter({
      host: this.#host,
      log: this.#log,
      onChange: () => this.#status.changed(),
      idleMs: options.idleMs ?? defaultIdleMs,
    });
    this.#calibration = new BackgroundCalibration({
      host: this.#host,
      log: this.#log,
      folders: () =>
        this.#settings.repository.enabled ? this.#context.workspace.repositories.map(({ sources }) => sources) : [],
      onChange: () => this.#status.changed(),
      idleMs: options.idleMs ?? defaultIdleMs,
    });
    this.#inline = new InlineCompletions({
      host: this.#host,
      context: this.#context,
      documents: this.#documents,
      log: this.#log,
      settings: () => this.#settings.completion,
      noteRequest: (generation) => this.#status.noteRequest(requestStatus('inline', generation)),
      noteSlow: (slow) => this.#status.noteSlow(slow),
    });
    this.#warmUp = new WarmUp({
      ready: (signal) => this.#host.ready(signal),
      feed: (engine, at, signal) => this.#inline.feedAhead(engine, at, signal),
      log: this.#log,
    });
    this.#status = new StatusReporter(
      this.#host,
      this.#meter,
      () => this.#context.status,
      () => this.#calibration.share,
      (status) => this.#sendStatus(status),
    );
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
    connection.onRequest('textDocument/inlineCompletion', (params: unknown, token: CancellationToken) =>
      this.#guard(token, (signal) => this.#urgent(() => this.#inlineCompletion(params, signal))),
    );
    connection.onRequest(completionCountsRequest, () => this.#inline.counts);
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
      this.#inline.stop();
      this.#meter.stop();
      this.#calibration.stop();
      this.#context.lane.pause();
      this.#host.pause();
    });
    connection.onRequest(resumeRequest, () => {
      this.#host.resume();
      this.#context.lane.resume();
    });
    connection.onRequest(unloadRequest, () => this.#host.unload());
    connection.onNotification(focusNotification, (params: unknown) => this.#focus(params));
    serveContext(this.#contextParts());
    this.#documents.listen(connection, (sentence) => this.#log.warn(sentence));
    this.#documents.onDidClose((uri) => this.#inline.closed(uri));
    connection.listen();
  }

  /** Once, whoever asks first. */
  #close(): Promise<void> {
    this.#warmUp.end();
    this.#inline.stop();
    this.#meter.close();
    this.#calibration.close();
    this.#status.close();
    closeTemplates();
    this.#closing ??= this.#ending.close(
      { context: () => this.#context.close(), model: () => this.#host.close() },
      (sentence) => this.#log.warn(sentence),
    );
    return this.#closing;
  }

  #contextParts() {
    return {
      connection: this.#connection,
      documents: this.#documents,
      context: this.#context,
      host: this.#host,
      log: this.#log,
      guard: <T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>) => this.#guard(token, work),
    };
  }

  #initialize(params: InitializeParams): InitializeResult {
    this.#take(params.initializationOptions);
    // clients without workspace folders name one by the older field
    const folders = params.workspaceFolders?.map(({ uri }) => uri) ?? (params.rootUri === null ? [] : [params.rootUri]);
    for (const folder of folders) {
      this.#context.addFolder(folder);
    }
    this.#capabilities = params.capabilities;
    const positionEncoding = choosePositionEncoding(params.capabilities.general?.positionEncodings);
    this.#documents.use(positionEncoding);
    return {
      serverInfo: { name: 'fasa-code', version: this.#version },
      capabilities: {
        positionEncoding,
        textDocumentSync: TextDocumentSyncKind.Incremental,
        notebookDocumentSync: { notebookSelector: [{ notebook: '*', cells: [{ language: '*' }] }] },
        inlineCompletionProvider: true,
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  }

  #initialized(): void {
    // the library throws when a client that never heard of them is asked to tell of changes
    if (this.#capabilities?.workspace?.workspaceFolders === true) {
      this.#watchFolders();
    }
    void watchFiles(this.#contextParts(), this.#capabilities);
    this.#host.configure(this.#settings);
  }

  #watchFolders(): void {
    this.#connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      for (const folder of removed) {
        void this.#context.removeFolder(folder.uri);
      }
      for (const folder of added) {
        this.#context.addFolder(folder.uri);
      }
    });
  }

  #configure(settings: unknown): void {
    const section: unknown = isRecord(settings) && 'fasa' in settings ? settings['fasa'] : settings;
    if (section === null || section === undefined) {
      return;
    }
    const keyOf = ({ completion }: ServerSettings) => `${engineKey(this.#settings)} ${JSON.stringify(completion)}`;
    const before = keyOf(this.#settings);
    this.#take(section);
    if (keyOf(this.#settings) !== before) {
      this.#inline.clearCache();
    }
    this.#host.configure(this.#settings);
  }

  #take(value: unknown): void {
    const { settings, problems } = checkSettings(value);
    for (const problem of problems) {
      this.#log.warn(problem);
    }
    this.#settings = settings;
    this.#context.configure(settings.repository);
  }

  /** What a person waits for ends everything that is done ahead of time or in idle time. */
  async #urgent<T>(request: () => Promise<T>): Promise<T> {
    this.#warmUp.end();
    this.#context.lane.noteActivity();
    this.#calibration.consider();
    return this.#meter.during(request);
  }

  #focus(params: unknown): void {
    try {
      const at = documentPosition(params);
      void this.#warmUp.focused(this.#documents.position(at.uri, at));
    } catch (error) {
      this.#log.warn(`${focusNotification}: ${String(error)}`); // a notification has no answer to say it in
    }
  }

  #inlineCompletion(params: unknown, signal: AbortSignal): Promise<unknown> {
    const request = inlineCompletionRequest(params);
    const { uri, selected } = request;
    return this.#inline.answer(
      {
        ...this.#documents.position(uri, request),
        ...(selected === undefined
          ? {}
          : {
              selected: {
                text: selected.text,
                start: this.#documents.position(uri, selected.start),
                end: this.#documents.position(uri, selected.end),
              },
            }),
      },
      signal,
    );
  }

  async #ask(params: unknown, signal: AbortSignal): Promise<AskResult> {
    const { partialResultToken: token, ...question } = askParams(params);
    const engine = await this.#host.ready(signal);
    let told = 0;
    const { generation, size, citations } = await this.#host.whileBusy(() =>
      this.#chat.ask(engine, {
        ...question,
        signal,
        openText: (uri) => this.#documents.get(uri)?.getText(),
        onText: (text) => this.#sendPart(token, { text }),
        onProgress: (read) => {
          if (performance.now() - told > minMsBetweenReads) {
            told = performance.now();
            this.#sendPart(token, { text: '', read });
          }
        },
      }),
    );
    const stats = requestStatus('chat', generation);
    this.#status.noteRequest(stats);
    return { text: generation.text, citations, stats, size };
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
      const problem = failure.toProblem();
      return new ResponseError(code, `${problem.message} ${problem.remedy}`, problem);
    } finally {
      subscription.dispose();
    }
  }

  #sendStatus(status: Status): void {
    this.#connection.sendNotification(statusNotification, status).catch((error: unknown) => {
      this.#log.error(`The status was not sent: ${String(error)}`);
    });
  }
}
