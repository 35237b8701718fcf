import * as vscode from 'vscode';
import { describeError } from '../errors';
import type { LanguageServer } from './client';

/** Tells the server where the user is, so that it reads ahead there and not in a document that only an extension opened. */
export function followFocus(server: LanguageServer, output: vscode.LogOutputChannel): vscode.Disposable {
  let life = server.view.life;
  const tell = () => {
    const editor = vscode.window.activeTextEditor;
    if (editor) {
      server
        .sendFocus({
          textDocument: { uri: editor.document.uri.toString() },
          position: { line: editor.selection.active.line, character: editor.selection.active.character },
        })
        .catch((error) => output.debug(`The server was not told of the editor: ${describeError(error)}`));
    }
  };
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(tell),
    server.onDidChange((view) => {
      if (view.life === 'running' && life !== 'running') {
        tell();
      }
      life = view.life;
    }),
  );
}
