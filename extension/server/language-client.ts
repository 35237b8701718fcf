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

/** Documents that get completions. Notebook cells are documents of their own; files of virtual file systems are not read. */
const documentSelector = [{ scheme: 'file' }, { scheme: 'untitled' }, { scheme: 'vscode-notebook-cell' }];

interface LanguageClientParts {
  readonly extensionPath: string;
  readonly output: LogOutputChannel;
  /** The server's process ended, or its connection broke; answers a line for the log. */
  readonly ended: () => string;
}

/** A client for one life of the server's process: it never restarts by itself. */
export function createLanguageClient({ extensionPath, output, ended }: LanguageClientParts): LanguageClient {
  const cacheFolder = readCacheFolder();
  const server = {
    module: path.join(extensionPath, 'dist', 'server.js'),
    transport: TransportKind.ipc,
    options: {
      // Not the workspace: nothing of the user's repository may be found by a relative path.
      cwd: extensionPath,
      ...(cacheFolder ? { env: { FASA_CACHE_DIR: cacheFolder } } : {}),
    },
  };
  return new LanguageClient(settingsSection, 'FASA Code', server, {
    documentSelector,
    outputChannel: output,
    traceOutputChannel: output,
    // Nothing that fails while typing may raise a notification; the status item tells what is wrong.
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: readServerSettings,
    // The failure is reported by the promise of start() as well; this keeps the client from showing it itself.
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

/** A completion that fails is no completion: the reason goes to the log. */
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
