import * as vscode from 'vscode';
import type { CommandId } from '../command-ids';
import type { ServerView } from '../server/life';
import { lacksModel, statusText } from './text';

interface MenuItem extends vscode.QuickPickItem {
  readonly command?: CommandId;
}

/** Opens the menu of the status item, with the actions that make sense in the current state. */
export async function showMenu(view: ServerView): Promise<void> {
  const chosen = await vscode.window.showQuickPick(menuItems(view), {
    title: statusText(view).label,
    placeHolder: view.status?.problem?.message ?? 'Choose an action',
  });
  if (chosen?.command) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

function menuItems(view: ServerView): MenuItem[] {
  const item = (icon: string, label: string, command: CommandId, description = ''): MenuItem => ({
    label: `$(${icon}) ${label}`,
    description,
    command,
  });
  const items: MenuItem[] = [];
  const noModel = lacksModel(view.status);
  if (noModel) {
    items.push(item('chip', 'Choose a model', 'fasa.chooseModel', 'on this machine, or to download'));
    items.push(item('cloud-download', 'Download default model', 'fasa.downloadDefaultModel', 'SmolLM2 135M, 98 MB'));
  }
  if (view.status?.slow) {
    items.push(
      item('fold', 'Read less of the current file', 'fasa.shortenTail', 'read half as much around the cursor'),
    );
  }
  if (view.status?.state === 'paused') {
    items.push(item('play', 'Resume', 'fasa.resume', 'continue to suggest code'));
  } else if (view.life === 'running' && !view.status?.problem) {
    items.push(item('debug-pause', 'Pause', 'fasa.pause', 'make no suggestions until resumed'));
  }
  items.push(
    item('comment-discussion', 'Open chat', 'fasa.openChat', 'ask about this repository'),
    item('dashboard', 'Open dashboard', 'fasa.openDashboard', 'cache, memory saved and measured speed'),
  );
  const repository = view.status?.repository;
  if (repository) {
    items.push(
      item('list-tree', 'Show context', 'fasa.showContext', 'files that the model reads, and those that are left out'),
    );
    if (repository.tokensEncoded < repository.tokens) {
      items.push(item('zap', 'Encode repository', 'fasa.encodeRepository', 'now, instead of in idle time'));
    }
  }
  items.push(
    ...(noModel ? [] : [item('chip', 'Choose a model', 'fasa.chooseModel', 'on this machine, or to download')]),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    item('refresh', 'Restart language server', 'fasa.restartServer'),
    item('output', 'Show logs', 'fasa.showLogs'),
    item('gear', 'Open settings', 'fasa.openSettings'),
  );
  return items;
}
