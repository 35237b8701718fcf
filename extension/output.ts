import * as vscode from 'vscode';

/** The one output channel: the extension's own lines, the server's log messages, and both streams of its process. */
export function createOutput(): vscode.LogOutputChannel {
  return vscode.window.createOutputChannel('FASA Code', { log: true });
}
