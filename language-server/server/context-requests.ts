/** The requests about the context, and the client's news of documents and files. */

import {
  type CancellationToken,
  type Connection,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  WorkDoneProgress,
  type WorkDoneProgressBegin,
  type WorkDoneProgressEnd,
  type WorkDoneProgressReport,
} from 'vscode-languageserver/node';
import type { Log } from '../base/log';
import type { ModelHost } from '../engine/model-host';
import type { WorkspaceIndex } from '../index/workspace-index';
import type { Documents } from '../lsp/documents';
import {
  type ChooseContextResult,
  type ClearCacheResult,
  type ContextResult,
  chooseContextRequest,
  clearCacheRequest,
  contextRequest,
  encodeRequest,
} from '../protocol/server';
import { chooseContextParams, clearCacheParams, contextParams, encodeParams } from './params';

export interface ContextRequestParts {
  readonly connection: Connection;
  readonly documents: Documents;
  readonly context: WorkspaceIndex;
  readonly host: ModelHost;
  readonly log: Log;
  /** LSP's cancellation as a signal, typed errors as responses. */
  readonly guard: <T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>) => Promise<unknown>;
}

export function serveContext(parts: ContextRequestParts): void {
  const { connection, context, host, guard } = parts;
  connection.onRequest(contextRequest, (...params: unknown[]) =>
    guard(tokenOf(params), async (signal): Promise<ContextResult> => {
      return { folders: await context.contents(contextParams(params[0]), signal) };
    }),
  );
  connection.onRequest(chooseContextRequest, (params: unknown, token: CancellationToken) =>
    guard(token, async (signal): Promise<ChooseContextResult> => {
      const secret = await context.choose(chooseContextParams(params), signal);
      return secret === undefined ? null : { secret };
    }),
  );
  connection.onRequest(encodeRequest, (...params: unknown[]) =>
    guard(tokenOf(params), async (signal) => {
      await host.ready(signal);
      await encode(parts, encodeParams(params[0]).workDoneToken, signal);
      return null;
    }),
  );
  connection.onRequest(clearCacheRequest, (...params: unknown[]) =>
    guard(tokenOf(params), async (signal): Promise<ClearCacheResult> => {
      const { dryRun } = clearCacheParams(params[0]);
      return { bytes: await context.clearDisk(await host.ready(signal), dryRun === true) };
    }),
  );
  follow(parts);
}

/** The documents and files of the client. */
function follow({ connection, documents, context }: ContextRequestParts): void {
  documents.onDidOpen((document) => context.noteOpen(document));
  documents.onDidChange((document) => {
    context.noteOpen(document);
    context.lane.noteActivity();
  });
  documents.onDidSave((uri) => context.noteFiles([uri]));
  documents.onDidClose((uri) => context.noteClosed(uri));
  connection.onDidChangeWatchedFiles(({ changes }) => context.noteFiles(changes.map(({ uri }) => uri)));
}

/** Asks the client to tell of files that change; watches them itself where the client cannot. */
export async function watchFiles(
  { connection, context, log }: ContextRequestParts,
  capabilities: InitializeParams['capabilities'] | undefined,
): Promise<void> {
  if (capabilities?.workspace?.didChangeWatchedFiles?.dynamicRegistration !== true) {
    context.watch();
    return;
  }
  try {
    await connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: '**/*' }] });
  } catch (error) {
    log.warn(`The client does not watch files: ${String(error)}`);
    context.watch();
  }
}

async function encode(
  { connection, context, log }: ContextRequestParts,
  token: string | number | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (token === undefined) {
    await context.lane.finish(signal);
    return;
  }
  const send = (value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd) => {
    connection.sendProgress(WorkDoneProgress.type, token, value).catch((error: unknown) => {
      log.warn(`The progress was not sent: ${String(error)}`);
    });
  };
  const report = () => {
    const progress = context.lane.progress;
    if (progress !== undefined) {
      const { filesDone, files, tokensDone, tokens } = progress;
      const percentage = Math.floor((100 * tokensDone) / Math.max(1, tokens));
      send({ kind: 'report', message: `${filesDone} of ${files} files`, percentage });
    }
  };
  send({ kind: 'begin', title: 'Encoding the repository', cancellable: true, percentage: 0 });
  const timer = setInterval(report, 250);
  try {
    await context.lane.finish(signal);
  } finally {
    clearInterval(timer);
    send({ kind: 'end' });
  }
}

/** The token comes last, behind parameters that a client may leave out: then it comes first as well. */
function tokenOf(params: readonly unknown[]): CancellationToken {
  return params.at(-1) as CancellationToken;
}
