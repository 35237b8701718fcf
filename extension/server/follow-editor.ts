/** Keeps the server in step with the editor: its settings, and where the user is. */

import * as vscode from 'vscode';
import { describeError } from '../errors';
import type { LanguageServer } from './client';
import { settingsSection } from './settings';

/** What the settings of the server are read from. */
const readSections = [settingsSection, 'files.exclude', 'http.proxy', 'http.proxySupport'];

/** Sends changed settings to the server. A changed cache folder takes a restart. */
export function followSettings(server: LanguageServer, output: vscode.LogOutputChannel): vscode.Disposable {
  const follow = (work: Promise<void>) => {
    work.catch((error) => output.error(`The server did not take the changed settings: ${describeError(error)}`));
  };
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${settingsSection}.cacheFolder`)) {
        follow(server.restart());
      } else if (readSections.some((section) => event.affectsConfiguration(section))) {
        follow(server.sendSettings());
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => follow(server.sendSettings())),
  );
}

/** Sends the place of the cursor, so that the server prefills there and not for a document that only an extension opened. */
export function followFocus(server: LanguageServer, output: vscode.LogOutputChannel): vscode.Disposable {
  let life = server.view.life;
  const send = () => {
    const editor = vscode.window.activeTextEditor;
    if (editor) {
      server
        .sendFocus({
          textDocument: { uri: editor.document.uri.toString() },
          position: { line: editor.selection.active.line, character: editor.selection.active.character },
        })
        .catch((error) => output.debug(`The server did not learn which editor is active: ${describeError(error)}`));
    }
  };
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(send),
    server.onDidChange((view) => {
      if (view.life === 'running' && life !== 'running') {
        send();
      }
      life = view.life;
    }),
  );
}
