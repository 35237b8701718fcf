import * as vscode from 'vscode';
import type { CommandContext } from './commands';
import { settingsSection } from './settings';

/** Lets the user pick a GGUF file of this machine and keeps it in the machine's setting; the server follows it. */
export async function chooseModel(context: CommandContext): Promise<void> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Choose a model file (GGUF)',
    openLabel: 'Use this model',
    canSelectMany: false,
    filters: { 'GGUF model': ['gguf'] },
  });
  const file = picked?.[0];
  if (!file) {
    return;
  }
  if (file.scheme !== 'file') {
    await vscode.window.showErrorMessage(
      `The model must be a file on the machine that runs the language server; ${file.toString()} is not one.`,
    );
    return;
  }
  context.output.info(`Model file chosen: ${file.fsPath}`);
  await vscode.workspace
    .getConfiguration(settingsSection)
    .update('modelPath', file.fsPath, vscode.ConfigurationTarget.Global);
}
