import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogOutputChannel } from 'vscode';
import {
  type ErrorHandler,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
} from 'vscode-languageclient/node';
import { readServerSettings } from './settings';

/** Documents that get completions. Notebook cells are documents of their own; files of virtual file systems are not read. */
const documentSelector = [{ scheme: 'file' }, { scheme: 'untitled' }, { scheme: 'vscode-notebook-cell' }];

/** @param errorHandler decides what happens when the connection breaks or closes. */
export function createClientOptions(output: LogOutputChannel, errorHandler: ErrorHandler): LanguageClientOptions {
  return {
    documentSelector,
    outputChannel: output,
    traceOutputChannel: output,
    // Nothing that fails while typing may raise a notification; the status item tells what is wrong.
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: readServerSettings,
    // The failure is reported by the promise of start() as well; this keeps the client from showing it itself.
    initializationFailedHandler: () => false,
    errorHandler,
    middleware: quietMiddleware(output),
    stdioOptions: {
      stdout: (stream) => forwardLines(stream, (line) => output.info(`[server] ${line}`)),
      stderr: (stream) => forwardLines(stream, (line) => output.warn(`[server] ${line}`)),
    },
  };
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

export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
