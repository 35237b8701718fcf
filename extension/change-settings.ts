/** Commands that change a setting for the user; the server follows it. */

import * as vscode from 'vscode';
import { inform } from './notify';
import { settingsSection } from './server/settings';

const minTailTokens = 128;

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
