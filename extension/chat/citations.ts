/** Opens the file of a citation and highlights its lines until the user moves the cursor. */

import * as vscode from 'vscode';
import type { CitationView } from '../../language-server/protocol/chat-page';

export class CitationMarks implements vscode.Disposable {
  readonly #decoration = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.selectionHighlightBackground'),
    // in high contrast themes, only the border is visible
    borderColor: new vscode.ThemeColor('editor.selectionHighlightBorder'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.selectionHighlightForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
  });
  readonly #subscription: vscode.Disposable;
  #marked: vscode.TextEditor | undefined;

  constructor() {
    this.#subscription = vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
      if (textEditor === this.#marked && kind !== undefined) {
        this.#clear();
      }
    });
  }

  async open({ uri, firstLine, lastLine }: CitationView): Promise<void> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri, true));
    const last = Math.min(lastLine, document.lineCount) - 1;
    const range = new vscode.Range(Math.min(firstLine - 1, last), 0, last, document.lineAt(last).text.length);
    this.#clear();
    const editor = await vscode.window.showTextDocument(document, {
      selection: new vscode.Range(range.start, range.start),
    });
    editor.setDecorations(this.#decoration, [range]);
    editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.#marked = editor;
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#decoration.dispose();
  }

  #clear(): void {
    this.#marked?.setDecorations(this.#decoration, []);
    this.#marked = undefined;
  }
}
