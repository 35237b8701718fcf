/** The table of commands. The error that a command rejects with is shown to the user. */

import * as vscode from 'vscode';
import { pauseRequest, resumeRequest } from '../language-server/protocol/server';
import { shortenTail } from './change-settings';
import type { ChatView } from './chat/view';
import { type CommandId, commandIds } from './command-ids';
import { clearCache, encodeRepository } from './context/commands';
import type { ContextView } from './context/view';
import type { Dashboard } from './dashboard/panel';
import type { Reviews } from './edits/review';
import type { Downloads } from './models/downloads';
import type { ModelPicker } from './models/picker';
import { showFailure, warn } from './notify';
import type { LanguageServer } from './server/client';
import { showMenu } from './status/menu';

interface Features {
  readonly output: vscode.LogOutputChannel;
  readonly server: LanguageServer;
  readonly chat: ChatView;
  readonly reviews: Reviews;
  readonly dashboard: Dashboard;
  readonly contextView: ContextView;
  readonly downloads: Downloads;
  readonly models: ModelPicker;
}

export function registerCommands(
  { extension }: vscode.ExtensionContext,
  { output, server, chat, reviews, dashboard, contextView, downloads, models }: Features,
): vscode.Disposable {
  const handlers: Record<CommandId, (argument: unknown) => Promise<unknown>> = {
    'fasa.showMenu': () => showMenu(server.view),
    'fasa.pause': () => requestOrRestart(server, pauseRequest, 'pause'),
    'fasa.resume': () => requestOrRestart(server, resumeRequest, 'resume'),
    'fasa.restartServer': () => server.restart(),
    'fasa.showLogs': async () => output.show(),
    'fasa.openSettings': async () =>
      vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${extension.id}`),
    'fasa.chooseModel': () => models.show(),
    'fasa.downloadDefaultModel': () => downloads.startDefault(),
    'fasa.shortenTail': () => shortenTail(output),
    'fasa.openChat': () => chat.focus(),
    'fasa.openDashboard': () => dashboard.show(),
    'fasa.newConversation': () => chat.startNew(),
    'fasa.showConversations': () => chat.showConversations(),
    'fasa.exportConversation': () => chat.exportCurrent(),
    'fasa.explain': (place) => chat.askCommand('explain', place),
    'fasa.fix': (place) => chat.askCommand('fix', place),
    'fasa.tests': (place) => chat.askCommand('tests', place),
    'fasa.doc': (place) => chat.askCommand('doc', place),
    'fasa.review': (place) => chat.askCommand('review', place),
    'fasa.acceptChange': (line) => reviews.accept(lineOf(line)),
    'fasa.rejectChange': (line) => reviews.reject(lineOf(line)),
    'fasa.acceptAllChanges': () => reviews.acceptAll(),
    'fasa.discardChanges': () => reviews.discard(),
    'fasa.encodeRepository': () => encodeRepository(server),
    'fasa.showContext': () => contextView.show(),
    'fasa.clearCache': () => clearCache(server),
    'fasa.includeInContext': (node) => contextView.choose(node, 'include'),
    'fasa.excludeFromContext': (node) => contextView.choose(node, 'exclude'),
    'fasa.resetInContext': (node) => contextView.choose(node, 'default'),
  };
  return vscode.Disposable.from(
    ...commandIds.map((id) =>
      vscode.commands.registerCommand(id, (argument: unknown) =>
        handlers[id](argument).catch((error) => void showFailure(error, `The command ${id}`, output)),
      ),
    ),
  );
}

/** Asks the server, or offers to start it when it does not run. */
async function requestOrRestart(server: LanguageServer, method: string, verb: string): Promise<void> {
  if (server.view.life === 'running') {
    await server.request(method);
  } else {
    await warn(`Cannot ${verb}: the language server is not running.`, server.restartAction);
  }
}

/** A code lens names a line; a button of the editor's title brings its own arguments, which name none. */
function lineOf(argument: unknown): number | undefined {
  return typeof argument === 'number' ? argument : undefined;
}
