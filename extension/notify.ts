/** The one place that shows messages to the user: notifications, questions that wait for an answer, failures. */

import * as vscode from 'vscode';
import { describeError, UserError } from './errors';

/** A button of a message, and what it does. */
export interface Action<T = unknown> {
  readonly title: string;
  run(): T | PromiseLike<T>;
}

/** Each resolves when the message is gone, with what its chosen action returned. */
export async function inform<T>(message: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showInformationMessage(message, ...actions))?.run();
}

export async function warn<T>(message: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showWarningMessage(message, ...actions))?.run();
}

export async function showError<T>(message: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showErrorMessage(message, ...actions))?.run();
}

/** A dialog that has to be answered or closed before anything else is done. */
export async function ask<T>(question: string, detail: string, ...actions: Action<T>[]): Promise<T | undefined> {
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, ...actions))?.run();
}

/** @param yes the title of the button that agrees */
export async function confirm(question: string, detail: string, yes: string): Promise<boolean> {
  return (await ask(question, detail, { title: yes, run: () => true })) ?? false;
}

/** A line in the status bar, for results that need no attention. */
export function mention(result: string): void {
  vscode.window.setStatusBarMessage(`FASA Code: ${result}`, 5000);
}

export function showLogs(output: vscode.LogOutputChannel): Action {
  return { title: 'Show Logs', run: () => output.show() };
}

/**
 * Says why something was not done. A {@link UserError} is all there is to say; of any other error the log has more, so
 * it is written there, and the message opens it.
 * @param what failed, as a line of the log begins
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
