/** Commands that change a setting for the user; the server follows it. */

import { homedir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { UserError } from './errors';
import { inform } from './notify';
import { settingsSection } from './server/settings';

const minTailTokens = 128;

/** Lets the user choose a GGUF file on this machine, and saves it in the setting of the machine. */
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

/** Halves the number of tokens of the current file that the model reads, and says what it is now. */
export async function shortenTail(output: vscode.LogOutputChannel): Promise<void> {
  const section = vscode.workspace.getConfiguration(settingsSection);
  const name = 'completion.tailTokens';
  const now = section.get<number>(name) ?? minTailTokens;
  const shorter = Math.max(minTailTokens, Math.floor(now / 2));
  if (shorter >= now) {
    await inform(`FASA Code reads ${now} tokens around the cursor, and no fewer.`);
    return;
  }
  const own = section.inspect<number>(name);
  const target =
    own?.workspaceValue === undefined ? vscode.ConfigurationTarget.Global : vscode.ConfigurationTarget.Workspace;
  await section.update(name, shorter, target);
  output.info(`The model now reads ${shorter} tokens around the cursor; it was ${now}.`);
  await inform(`FASA Code now reads ${shorter} tokens around the cursor; it was ${now}.`, {
    title: 'Undo',
    run: () => section.update(name, now, target),
  });
}
