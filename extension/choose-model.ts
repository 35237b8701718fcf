import { homedir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { UserError } from './errors';
import { settingsSection } from './server/settings';

/** Lets the user pick a GGUF file of this machine and keeps it in the machine's setting; the server follows it. */
export async function chooseModel(output: vscode.LogOutputChannel): Promise<void> {
  const section = vscode.workspace.getConfiguration(settingsSection);
  const configured = section.get<string>('modelPath')?.trim();
  const picked = await vscode.window.showOpenDialog({
    title: 'Choose a model file (GGUF)',
    openLabel: 'Use this model',
    canSelectMany: false,
    defaultUri: vscode.Uri.file(configured ? path.dirname(configured) : homedir()),
    filters: { 'GGUF model': ['gguf'] },
  });
  const file = picked?.[0];
  if (!file) {
    return;
  }
  if (file.scheme !== 'file') {
    throw new UserError(
      `The model must be a file on the machine that runs the language server; ${file.toString()} is not one.`,
    );
  }
  output.info(`Model file chosen: ${file.fsPath}`);
  await section.update('modelPath', file.fsPath, vscode.ConfigurationTarget.Global);
}
