// biome-ignore assist/source/organizeImports: the clock must start before any other module is evaluated
import { type OwnWork, sinceLoad, sum } from './load-time';

import * as vscode from 'vscode';
import { createChat } from './chat/create-chat';
import { registerCommands } from './commands';
import { ContextView } from './context/view';
import { Dashboard } from './dashboard/panel';
import { Downloads } from './models/downloads';
import { ModelPicker } from './models/picker';
import { LanguageServer } from './server/client';
import { followFocus, followSettings } from './server/follow-editor';
import type { ServerView } from './server/life';
import { createStatusItem } from './status/item';

/** The API for other extensions and the tests. */
export interface ExtensionApi {
  /** The time that loading the bundle and activating took. */
  readonly activation: OwnWork;
  readonly view: ServerView;
  readonly serverProcessId: number | undefined;
  readonly onDidChangeView: vscode.Event<ServerView>;
}

/** This module is the last of the bundle to be evaluated. */
const bundleLoaded = sinceLoad();

let running: LanguageServer | undefined;

export function activate(context: vscode.ExtensionContext): ExtensionApi {
  const started = sinceLoad();
  // It takes the extension's own lines, the log messages of the server, and both output streams of its process.
  const output = vscode.window.createOutputChannel('FASA Code', { log: true });
  const server = new LanguageServer(context.extensionPath, output);
  running = server;
  const contextView = new ContextView(server, output);
  const chat = createChat(context, output, server);
  const dashboard = new Dashboard(context.extensionUri, server, output);
  const downloads = new Downloads(server, output);
  const models = new ModelPicker(server, output, downloads);
  context.subscriptions.push(
    output,
    server,
    createStatusItem(server),
    contextView,
    followFocus(server, output),
    followSettings(server, output),
    chat.disposable,
    dashboard,
    registerCommands(context, {
      output,
      server,
      chat: chat.view,
      reviews: chat.reviews,
      dashboard,
      contextView,
      downloads,
      models,
    }),
  );
  server.start();
  const activation = sum(bundleLoaded, started, sinceLoad());
  output.info(
    `Activated in ${activation.wallMs.toFixed(0)} ms (${activation.cpuMs.toFixed(0)} ms of processor time),` +
      ` of which ${bundleLoaded.wallMs.toFixed(0)} ms to evaluate the bundle.`,
  );
  return {
    activation,
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
