import * as vscode from 'vscode';
import type { ExtensionApi } from '../../../extension/main';
import type { ServerView } from '../../../extension/server/life';

/** For whatever needs the model: generous, as machines with little to compute with run this. */
const limitMs = 90_000;

let activated: ExtensionApi | undefined;

export async function extensionApi(): Promise<ExtensionApi> {
  if (!activated) {
    const extension = vscode.extensions.getExtension<ExtensionApi>('fasa-code.fasa-code');
    if (!extension) {
      throw new Error('The extension fasa-code.fasa-code is not installed.');
    }
    activated = await extension.activate();
  }
  return activated;
}

/** Waits until the server's view is as wanted, and answers it. */
export async function viewThat(what: string, wanted: (view: ServerView) => boolean): Promise<ServerView> {
  const api = await extensionApi();
  return new Promise((resolve, reject) => {
    const look = () => {
      if (wanted(api.view)) {
        finish();
        resolve(api.view);
      }
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(`Waited ${limitMs / 1000} s for ${what}; the view is ${JSON.stringify(api.view)}.`));
    }, limitMs);
    const subscription = api.onDidChangeView(look);
    const finish = () => {
      clearTimeout(timer);
      subscription.dispose();
    };
    look();
  });
}

const isReady = (view: ServerView) => view.life === 'running' && view.status?.state === 'ready';

export async function readyView(): Promise<ServerView> {
  return viewThat('a server that is ready', isReady);
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = limitMs): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) {
      throw new Error(`Waited ${withinMs / 1000} s for ${what}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Opens text with the cursor at its end. */
export async function openAtEnd(content: string, language: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument({ language, content });
  return showAtEnd(document);
}

export async function showAtEnd(document: vscode.TextDocument): Promise<vscode.TextEditor> {
  const editor = await vscode.window.showTextDocument(document);
  const end = document.lineAt(document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
  return editor;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks for a suggestion and waits until the server is at rest. Accepting earlier would cancel the request. */
async function trigger(): Promise<void> {
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
  await pause(500);
  await viewThat('a server at rest', (view) => view.life === 'running' && view.status?.state !== 'busy');
  await pause(200);
}

/** Types, waits for the ghost text and accepts it, as Tab does; answers what was inserted after the typed text. */
export async function typeAndAccept(editor: vscode.TextEditor, typed: string): Promise<string> {
  await vscode.commands.executeCommand('type', { text: typed });
  const before = editor.document.getText();
  await until(`a suggestion after ${JSON.stringify(typed)}`, async () => {
    await trigger();
    await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
    return editor.document.getText() !== before;
  });
  const after = editor.document.getText();
  if (!after.startsWith(before)) {
    throw new Error(`The suggestion changed the text before it: ${JSON.stringify({ before, after })}`);
  }
  return after.slice(before.length);
}

/** True when nothing is offered within the time that a suggestion takes here, several times over. */
export async function offersNothing(editor: vscode.TextEditor, typed: string, forMs: number): Promise<boolean> {
  await vscode.commands.executeCommand('type', { text: typed });
  const before = editor.document.getText();
  await trigger();
  await pause(forMs);
  await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
  return editor.document.getText() === before;
}

/** An editor that stays dirty would come back in the next window. */
export async function closeEditors(): Promise<void> {
  for (let i = 0; i < 20 && vscode.window.tabGroups.all.some((group) => group.tabs.length > 0); i += 1) {
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
}

export async function setSetting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration('fasa').update(name, value, vscode.ConfigurationTarget.Global);
}
