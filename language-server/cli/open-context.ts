/** The repositories of one command as its context: either what is on disk already, or everything, encoded with a progress bar. */

import { pathToFileURL } from 'node:url';
import { silentLog } from '../base/log';
import type { Engine } from '../engine/engine';
import { WorkspaceIndex } from '../index/workspace-index';
import { defaultSettings } from '../server/settings';
import type { CommonOptions } from './arguments';
import { withEngine } from './open-engine';
import type { Output } from './output';

interface ContextUse {
  /** Encodes what is not on disk; otherwise that is left out of the context. */
  readonly encode: boolean;
  /** Says on stderr what is in the context. */
  readonly say: boolean;
}

/** @throws EngineError */
export function withContext<T>(
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
  { encode, say }: ContextUse,
  work: (engine: Engine, context: WorkspaceIndex) => Promise<T>,
): Promise<T> {
  const folders = { folders: options.repos, tokens: options.repositoryTokens, encode };
  const run = (engine: Engine) =>
    withFolders(engine, folders, output, signal, (context) => {
      if (say && engine.chunks !== undefined) {
        sayWhatIsIn(context, output);
      }
      return work(engine, context);
    });
  return withEngine(options, output, signal, run, { store: 'shared' });
}

interface FolderUse {
  readonly folders: readonly string[];
  /** Maximum of each repository; 0 is the default. */
  readonly tokens: number;
  readonly encode: boolean;
}

/**
 * @param work gets the seconds from opening the folders until their chunks were ready
 * @throws EngineError
 */
export async function withFolders<T>(
  engine: Engine,
  { folders, tokens, encode }: FolderUse,
  output: Output,
  signal: AbortSignal,
  work: (context: WorkspaceIndex, seconds: number) => Promise<T>,
): Promise<T> {
  const context = new WorkspaceIndex({
    log: { ...silentLog, warn: (text) => output.message(text), error: (text) => output.message(text) },
    onChange: () => showProgress(context, output),
    settings: { ...defaultSettings.repository, tokens },
    background: false,
  });
  try {
    const started = performance.now();
    for (const folder of folders) {
      context.addFolder(pathToFileURL(folder).href);
    }
    context.use(engine);
    if (engine.chunks !== undefined) {
      await (encode ? context.lane.finish(signal) : context.lane.openAll(signal));
      output.progressDone();
    }
    return await work(context, (performance.now() - started) / 1000);
  } finally {
    await context.close();
  }
}

function showProgress({ lane }: WorkspaceIndex, output: Output): void {
  const { progress } = lane;
  if (progress !== undefined) {
    const { filesDone, files, tokensDone, tokens, secondsLeft } = progress;
    const left = secondsLeft === undefined ? '' : `, ${secondsLeft} s left`;
    const share = tokensDone / Math.max(1, tokens);
    output.progress('Encoding the repository', share, `${filesDone} of ${files} files${left}`);
  }
}

function sayWhatIsIn({ status }: WorkspaceIndex, output: Output): void {
  if (status === undefined) {
    return;
  }
  const { tokens, tokensEncoded, files, filesEncoded } = status;
  const missing = tokensEncoded < tokens ? '; the rest is not encoded yet (--encode does it)' : '';
  output.message(
    `Repository: ${tokensEncoded} of ${tokens} tokens of ${filesEncoded} of ${files} files are in the context${missing}.`,
  );
}
