import * as vscode from 'vscode';
import { pauseRequest, resumeRequest } from '../language-server/protocol/server';
import type { ChatView } from './chat/view';
import { chooseModel } from './choose-model';
import { type CommandId, commandIds } from './command-ids';
import { clearCache, encodeRepository } from './context/commands';
import type { ContextView } from './context/view';
import type { Dashboard } from './dashboard/panel';
import { downloadDefaultModel } from './download-default-model';
import type { Reviews } from './edits/review';
import { describeError } from './errors';
import type { LanguageServer } from './server/client';
import { shortenTail } from './shorten-tail';
import { showMenu } from './status/menu';

/** What a command may use. */
interface CommandContext {
  readonly extensionId: string;
  readonly extensionPath: string;
  readonly output: vscode.LogOutputChannel;
  readonly server: LanguageServer;
  readonly chat: ChatView;
  readonly reviews: Reviews;
  readonly dashboard: Dashboard;
  readonly contextView: ContextView;
}

const handlers: Record<CommandId, (context: CommandContext, argument: unknown) => Promise<unknown>> = {
  'fasa.showMenu': ({ server }) => showMenu(server.view),
  'fasa.pause': (context) => requestOf(context, pauseRequest, 'pause'),
  'fasa.resume': (context) => requestOf(context, resumeRequest, 'resume'),
  'fasa.restartServer': (context) => context.server.restart(),
  'fasa.showLogs': async (context) => context.output.show(),
  'fasa.openSettings': async (context) =>
    vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${context.extensionId}`),
  'fasa.chooseModel': ({ output }) => chooseModel(output),
  'fasa.downloadDefaultModel': downloadDefaultModel,
  'fasa.shortenTail': ({ output }) => shortenTail(output),
  'fasa.openChat': ({ chat }) => chat.focus(),
  'fasa.openDashboard': ({ dashboard }) => dashboard.show(),
  'fasa.newConversation': ({ chat }) => chat.startNew(),
  'fasa.showConversations': ({ chat }) => chat.showConversations(),
  'fasa.exportConversation': ({ chat }) => chat.exportCurrent(),
  'fasa.explain': ({ chat }, place) => chat.askCommand('explain', place),
  'fasa.fix': ({ chat }, place) => chat.askCommand('fix', place),
  'fasa.tests': ({ chat }, place) => chat.askCommand('tests', place),
  'fasa.doc': ({ chat }, place) => chat.askCommand('doc', place),
  'fasa.review': ({ chat }, place) => chat.askCommand('review', place),
  'fasa.acceptChange': ({ reviews }, line) => told(reviews.accept(lineOf(line))),
  'fasa.rejectChange': ({ reviews }, line) => told(reviews.reject(lineOf(line))),
  'fasa.acceptAllChanges': ({ reviews }) => told(reviews.acceptAll()),
  'fasa.discardChanges': ({ reviews }) => told(reviews.discard()),
  'fasa.encodeRepository': ({ server }) => told(encodeRepository(server)),
  'fasa.showContext': ({ contextView }) => contextView.show(),
  'fasa.clearCache': ({ server }) => told(clearCache(server)),
  'fasa.includeInContext': ({ contextView }, node) => told(contextView.choose(node, 'include')),
  'fasa.excludeFromContext': ({ contextView }, node) => told(contextView.choose(node, 'exclude')),
  'fasa.resetInContext': ({ contextView }, node) => told(contextView.choose(node, 'default')),
};

/** From a code lens; a button of the editor's title brings its own arguments, which name no line. */
function lineOf(argument: unknown): number | undefined {
  return typeof argument === 'number' ? argument : undefined;
}

/** What is refused is said, and is no failure of the command. */
async function told(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await vscode.window.showWarningMessage(describeError(error));
  }
}

export function registerCommands(context: CommandContext): vscode.Disposable {
  return vscode.Disposable.from(
    ...commandIds.map((id) =>
      vscode.commands.registerCommand(id, (argument: unknown) => handlers[id](context, argument)),
    ),
  );
}

/** Asks the server, or offers its start when there is none. */
async function requestOf(context: CommandContext, method: string, verb: string): Promise<void> {
  if (context.server.view.life !== 'running') {
    const restart = 'Restart';
    const chosen = await vscode.window.showWarningMessage(
      `Cannot ${verb}: the language server is not running.`,
      restart,
    );
    if (chosen === restart) {
      await context.server.restart();
    }
    return;
  }
  try {
    await context.server.request(method);
  } catch (error) {
    context.output.error(`The request to ${verb} failed: ${describeError(error)}`);
    await vscode.window.showErrorMessage(`FASA Code could not ${verb}: ${describeError(error)}`);
  }
}
