import * as vscode from 'vscode';
import type { LanguageServer } from '../server/client';
import { statusText } from './text';
import { statusTooltip, tooltipCommands } from './tooltip';

const backgrounds = {
  normal: undefined,
  warning: new vscode.ThemeColor('statusBarItem.warningBackground'),
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
};

/** Creates the cache meter in the status bar, which shows the server's status and opens the menu. */
export function createStatusItem(server: LanguageServer): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('status', vscode.StatusBarAlignment.Right, 100);
  item.name = 'FASA Code';
  item.command = 'fasa.showMenu';
  const update = () => {
    const { text, label, severity } = statusText(server.view);
    item.text = text;
    item.accessibilityInformation = { label, role: 'button' };
    item.backgroundColor = backgrounds[severity];
    const tooltip = new vscode.MarkdownString(statusTooltip(server.view), true);
    tooltip.isTrusted = { enabledCommands: [...tooltipCommands] };
    item.tooltip = tooltip;
    void vscode.commands.executeCommand('setContext', 'fasa.hasModel', server.view.status?.model !== undefined);
    void vscode.commands.executeCommand('setContext', 'fasa.paused', server.view.status?.state === 'paused');
  };
  update();
  item.show();
  return vscode.Disposable.from(item, server.onDidChange(update));
}
