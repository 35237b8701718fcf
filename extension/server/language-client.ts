import * as path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogOutputChannel } from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type Middleware,
  RevealOutputChannelOn,
  TransportKind,
} from 'vscode-languageclient/node';
import { describeError } from '../errors';
import { readCacheFolder, readServerSettings, settingsSection } from './settings';

/** Documents that get completions. Cells of notebooks are documents of their own; virtual file systems are not supported. */
const documentSelector = [{ scheme: 'file' }, { scheme: 'untitled' }, { scheme: 'vscode-notebook-cell' }];

interface LanguageClientParts {
  readonly extensionPath: string;
  readonly output: LogOutputChannel;
  /** Is called when the server's process ended or its connection broke. @returns a line for the log */
  readonly ended: () => string;
}

/** Creates a client for one life of the server's process. It never restarts by itself. */
export function createLanguageClient({ extensionPath, output, ended }: LanguageClientParts): LanguageClient {
  const cacheFolder = readCacheFolder();
  const server = {
    module: path.join(extensionPath, 'dist', 'server.js'),
    transport: TransportKind.ipc,
    options: {
      // This is not the workspace: no relative path may lead to the user's repository.
      cwd: extensionPath,
      ...(cacheFolder ? { env: { FASA_CACHE_DIR: cacheFolder } } : {}),
    },
  };
  return new LanguageClient(settingsSection, 'FASA Code', server, {
    documentSelector,
    outputChannel: output,
    traceOutputChannel: output,
    // A failure while typing must not show a notification; the status item says what is wrong.
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: readServerSettings,
    // The promise of start() reports the failure as well; without this handler, the client would also show it.
    initializationFailedHandler: () => false,
    errorHandler: {
      error: (_error, _message, count) => ({ action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: ended() }),
    },
    middleware: quietMiddleware(output),
    stdioOptions: {
      stdout: (stream) => forwardLines(stream, (line) => output.info(`[server] ${line}`)),
      stderr: (stream) => forwardLines(stream, (line) => output.warn(`[server] ${line}`)),
    },
  });
}

/** A completion that fails counts as none, and the reason is logged. */
function quietMiddleware(output: LogOutputChannel): Middleware {
  return {
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      try {
        return await next(document, position, context, token);
      } catch (error) {
        if (!token.isCancellationRequested) {
          output.warn(`No completion at ${document.uri.path}:${position.line + 1}: ${describeError(error)}`);
        }
        return undefined;
      }
    },
  };
}

function forwardLines(stream: Readable, write: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', write);
}
