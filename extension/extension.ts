import type * as vscode from 'vscode';
import { LanguageServer } from './client';
import { describeError } from './client-options';
import { registerCommands } from './commands';
import { createCrashNotice } from './crash-notice';
import { loadStarted } from './load-time';
import { createOutput } from './output';
import type { ServerView } from './server-view';
import { onDidChangeSettings } from './settings';
import { createStatusItem } from './status-item';

/** What other extensions, and the tests, may see. */
export interface ExtensionApi {
  /** Milliseconds of the extension's own work: loading its bundle, and activating. */
  readonly activationMs: number;
  readonly view: ServerView;
  readonly serverProcessId: number | undefined;
  readonly onDidChangeView: vscode.Event<ServerView>;
}

let running: LanguageServer | undefined;

export function activate(context: vscode.ExtensionContext): ExtensionApi {
  const activateStarted = performance.now();
  const output = createOutput();
  const server: LanguageServer = new LanguageServer(
    context.extensionPath,
    output,
    createCrashNotice(output, () => server),
  );
  running = server;
  context.subscriptions.push(
    output,
    server,
    createStatusItem(server),
    registerCommands({ extensionId: context.extension.id, extensionPath: context.extensionPath, output, server }),
    onDidChangeSettings((what) => {
      const follow = what === 'cacheFolder' ? server.restart() : server.sendSettings();
      follow.catch((error) => output.error(`The server did not take the changed settings: ${describeError(error)}`));
    }),
  );
  server.start();
  const activated = performance.now();
  const activationMs = activated - loadStarted;
  output.info(
    `Activated in ${activationMs.toFixed(0)} ms, of which ${(activated - activateStarted).toFixed(0)} ms after loading the bundle.`,
  );
  return {
    activationMs,
    get view() {
      return server.view;
    },
    get serverProcessId() {
      return server.processId;
    },
    onDidChangeView: server.onDidChange,
  };
}

export async function deactivate(): Promise<void> {
  await running?.stop();
  running = undefined;
}
