/** The one place that shows messages to the user: notifications, questions that wait for an answer, failures. */

import * as vscode from 'vscode';
import { describeError, UserError } from './errors';

/** A button of a message, and what it does. */
export interface Action<T = unknown> {
  readonly title: string;
  run(): T | PromiseLike<T>;
}

/** Resolves when the message is closed, with the result of the chosen action. So do the functions below. */
export async function inform<T>(message: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showInformationMessage(message, ...actions))?.run();
}

export async function warn<T>(message: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showWarningMessage(message, ...actions))?.run();
}

export async function showError<T>(message: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showErrorMessage(message, ...actions))?.run();
}

/** Opens a modal dialog. */
export async function ask<T>(question: string, detail: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, ...actions))?.run();
}

/** Asks before something is done. @param yes the title of the button that agrees */
export async function confirm(question: string, detail: string, yes: string): Promise<boolean> {
  return (await ask(question, detail, { title: yes, run: () => true })) ?? false;
}

/** Shows a result in the status bar for a moment. */
export function showResult(result: string): void {
  vscode.window.setStatusBarMessage(`FASA Code: ${result}`, 5000);
}

export function showLogs(output: vscode.LogOutputChannel): Action {
  return { title: 'Show Logs', run: () => output.show() };
}

/**
 * Shows why something was not done. An error that is not a {@link UserError} is logged as well, and the message opens the log.
 * @param what the beginning of the line in the log, which names what failed
 */
export async function showFailure(error: unknown, what: string, output: vscode.LogOutputChannel): Promise<void> {
  const message = describeError(error);
  if (error instanceof UserError) {
    await warn(message);
  } else {
    output.error(`${what}: ${message}`);
    await warn(message, showLogs(output));
  }
}
