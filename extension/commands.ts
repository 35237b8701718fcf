import * as vscode from 'vscode';
import { pauseRequest, resumeRequest } from '../language-server/protocol';
import { chooseModel } from './choose-model';
import type { LanguageServer } from './client';
import { type CommandId, commandIds } from './command-ids';
import { describeError } from './describe-error';
import { downloadDefaultModel } from './download-default-model';
import { showMenu } from './menu';
import { shortenTail } from './shorten-tail';

/** What a command may use. */
export interface CommandContext {
  readonly extensionId: string;
  readonly extensionPath: string;
  readonly output: vscode.LogOutputChannel;
  readonly server: LanguageServer;
}

const handlers: Record<CommandId, (context: CommandContext) => Promise<unknown>> = {
  'fasa.showMenu': showMenu,
  'fasa.pause': (context) => requestOf(context, pauseRequest, 'pause'),
  'fasa.resume': (context) => requestOf(context, resumeRequest, 'resume'),
  'fasa.restartServer': (context) => context.server.restart(),
  'fasa.showLogs': async (context) => context.output.show(),
  'fasa.openSettings': async (context) =>
    vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${context.extensionId}`),
  'fasa.chooseModel': chooseModel,
  'fasa.downloadDefaultModel': downloadDefaultModel,
  'fasa.shortenTail': shortenTail,
};

export function registerCommands(context: CommandContext): vscode.Disposable {
  return vscode.Disposable.from(
    ...commandIds.map((id) => vscode.commands.registerCommand(id, () => handlers[id](context))),
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
