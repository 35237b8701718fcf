/** Makes a model the one that is used: its file goes into the setting of the machine, and the server follows. */

import { homedir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { describeFit } from '../../language-server/protocol/model-texts';
import { checkModelRequest, type ListedModel } from '../../language-server/protocol/models';
import { resumeRequest } from '../../language-server/protocol/server';
import { UserError } from '../errors';
import { confirm, showResult } from '../notify';
import type { LanguageServer } from '../server/client';
import { settingsSection } from '../server/settings';
import { sentence } from './rows';

const name = 'modelPath';

export function chosenFile(): string {
  return vscode.workspace.getConfiguration(settingsSection).get<string>(name)?.trim() ?? '';
}

/** @param file '' for the default model */
export async function useModel(
  server: LanguageServer,
  output: vscode.LogOutputChannel,
  file: string,
  shownName: string,
): Promise<void> {
  output.info(`Model chosen: ${shownName}${file === '' ? '' : `, ${file}`}`);
  if (file !== chosenFile()) {
    const section = vscode.workspace.getConfiguration(settingsSection);
    await section.update(name, file === '' ? undefined : file, vscode.ConfigurationTarget.Global);
  } else if (server.view.status?.problem !== undefined) {
    // nothing changes in the settings, but the file may be another one now
    await server.request(resumeRequest);
  }
  showResult(`${shownName} is used`);
}

/** One that does not fit is used when the user insists: what is free may be more in a moment. */
export async function useListed(
  server: LanguageServer,
  output: vscode.LogOutputChannel,
  model: ListedModel,
): Promise<void> {
  const { fit, file = '', catalogue } = model;
  const insists =
    fit?.kind !== 'does-not-fit' ||
    (await confirm(`Use ${model.name}?`, `${sentence(`it ${describeFit(fit)}`)} It may not load.`, 'Use It'));
  if (insists) {
    await useModel(server, output, catalogue?.name === 'default' ? '' : file, model.name);
  }
}

/** Lets the user choose a GGUF file. One that cannot be used is refused, and the model in use stays in use. */
export async function chooseFile(server: LanguageServer, output: vscode.LogOutputChannel): Promise<void> {
  const configured = chosenFile();
  const picked = await vscode.window.showOpenDialog({
    title: 'Choose a model file (GGUF)',
    openLabel: 'Use This Model',
    canSelectMany: false,
    defaultUri: vscode.Uri.file(path.isAbsolute(configured) ? path.dirname(configured) : homedir()),
    filters: { 'GGUF model': ['gguf'] },
  });
  const file = picked?.[0];
  if (file === undefined) {
    return;
  }
  if (file.scheme !== 'file') {
    throw new UserError(
      `The model must be a file on the machine that runs the language server; ${file.toString()} is not one.`,
    );
  }
  if (server.view.life !== 'running') {
    // it is checked when the server loads it
    await useModel(server, output, file.fsPath, path.basename(file.fsPath));
    return;
  }
  const { signal } = new AbortController();
  const model = await server.call<ListedModel>(checkModelRequest, { file: file.fsPath }, signal);
  if (!model.support.supported) {
    throw new UserError(`${model.name} ${sentence(model.support.reason)} The model in use stays.`);
  }
  await useListed(server, output, model);
}
