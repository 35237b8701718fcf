import * as vscode from 'vscode';
import { formatBytes, formatCompact } from '../../language-server/protocol/format';
import { type ClearCacheResult, clearCacheRequest, encodeRequest } from '../../language-server/protocol/server';
import { confirm, inform, showResult } from '../notify';
import type { LanguageServer } from '../server/client';

/** Encodes the rest of the repository under a notification. After a cancel, the rest is encoded in idle time. */
export async function encodeRepository(server: LanguageServer): Promise<void> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: 'Encoding the repository',
    cancellable: true,
  };
  const outcome = await vscode.window.withProgress(options, async (progress, token) => {
    const abort = new AbortController();
    let shown = 0;
    const report = () => {
      const encoding = server.view.status?.repository?.encoding;
      if (encoding === undefined) {
        return;
      }
      const { filesDone, files, tokensDone, tokens, secondsLeft } = encoding;
      const percent = Math.floor((100 * tokensDone) / Math.max(1, tokens));
      const left = secondsLeft === undefined ? '' : `, ${secondsLeft} s left`;
      progress.report({
        message: `${formatCompact(filesDone)} of ${formatCompact(files)} files${left}`,
        increment: Math.max(0, percent - shown),
      });
      shown = Math.max(shown, percent);
    };
    const subscriptions = vscode.Disposable.from(
      server.onDidChange(report),
      token.onCancellationRequested(() => abort.abort()),
    );
    try {
      await server.call(encodeRequest, {}, abort.signal);
      return 'done';
    } catch (error) {
      if (abort.signal.aborted) {
        return 'cancelled';
      }
      throw error;
    } finally {
      subscriptions.dispose();
    }
  });
  const repository = server.view.status?.repository;
  if (outcome === 'done' && repository !== undefined) {
    const { filesEncoded, tokensEncoded } = repository;
    showResult(`${formatCompact(filesEncoded)} files, ${formatCompact(tokensEncoded)} tokens are encoded`);
  }
}

/** Empties the store of encoded chunks after the user has seen how much it frees and agreed. */
export async function clearCache(server: LanguageServer): Promise<void> {
  const { signal } = new AbortController();
  const { bytes } = await server.call<ClearCacheResult>(clearCacheRequest, { dryRun: true }, signal);
  if (bytes === 0) {
    await inform('There is nothing to clear: no repository is encoded on this disk.');
    return;
  }
  const isWanted = await confirm(
    `Delete all encoded repositories from the cache folder (${formatBytes(bytes)})?`,
    'What is in use stays in memory; the rest is encoded again when a repository is opened.',
    `Delete ${formatBytes(bytes)}`,
  );
  if (isWanted) {
    const freed = await server.call<ClearCacheResult>(clearCacheRequest, {}, signal);
    showResult(`${formatBytes(freed.bytes)} freed`);
  }
}
