import * as vscode from 'vscode';
import type { LanguageServer, ServerEndings } from './client';

/** Says once in a series of crashes that the server is restarted, and once that it stays down. */
export function createCrashNotice(output: vscode.LogOutputChannel, server: () => LanguageServer): ServerEndings {
  const restart = 'Restart';
  const showLogs = 'Show Logs';
  const act = async (shown: Thenable<string | undefined>): Promise<void> => {
    const chosen = await shown;
    if (chosen === restart) {
      await server().restart();
    } else if (chosen === showLogs) {
      output.show();
    }
  };
  return {
    restarting: () =>
      void act(
        vscode.window.showWarningMessage(
          'The FASA Code language server ended unexpectedly and is being restarted.',
          restart,
          showLogs,
        ),
      ),
    gaveUp: (ends) =>
      void act(
        vscode.window.showErrorMessage(
          `The FASA Code language server ended ${ends} times within 3 minutes and was not restarted.`,
          restart,
          showLogs,
        ),
      ),
  };
}
