/** Steps of `bench repository`: encoding against libllama, opening again in another process, editing a file. */

import { spawn } from 'node:child_process';
import { cancellable } from '../../language-server/base/cancellable';
import { EngineError } from '../../language-server/base/errors';
import type { CommandLine } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import type { ChunkEncoder, Engine } from '../../language-server/engine/engine';
import { concatenate } from '../../language-server/engine/native/token-parts';
import type { WorkspaceIndex } from '../../language-server/index/workspace-index';
import type { Reference } from '../common/addon';
import { loadLaboratoryAddon } from '../common/addon';
import { editInTheMiddle } from '../common/repository-copy';
import { median } from '../common/statistics';

/** The number of turns of each comparison. */
export const turns = 5;

export interface Opened {
  readonly engine: Engine;
  readonly repository: ChunkEncoder;
  readonly service: WorkspaceIndex;
  readonly modelPath: string;
}

/** The encoding of single chunks compared with libllama's prefill of as many tokens. */
export interface EncodingSpeed {
  readonly encodeTokensPerSecond: number;
  readonly peerPrefillTokensPerSecond: number;
}

export interface Edited {
  readonly reencodeOneFileSeconds: number;
  readonly reencodedTokens: number;
  readonly editedFileTokens: number;
}

/** Compares chunks of full length that are not in the store with libllama's prefill of as many tokens. */
export async function compareEncoding(
  { repository, modelPath, engine }: Opened,
  all: readonly Int32Array[],
  output: Output,
  signal: AbortSignal,
): Promise<EncodingSpeed> {
  const text = concatenate(all);
  const tokens = text.slice(0, repository.chunkTokens);
  const options = { contextTokens: tokens.length + 1, threads: engine.device.threads };
  const reference: Reference = await cancellable(loadLaboratoryAddon().loadReference(modelPath, options), signal);
  const [ours, theirs]: [number[], number[]] = [[], []];
  try {
    for (let turn = 0; turn < turns; turn++) {
      theirs.push(await cancellable(reference.timePrefill(tokens), signal));
      const fresh = concatenate([engine.tokenize(`${turn}`), tokens]).slice(0, tokens.length);
      const started = performance.now();
      const encoded = await repository.encode([fresh], signal);
      ours.push(performance.now() - started);
      for (const chunk of encoded) {
        chunk.dispose();
      }
      output.progress('Encoding against libllama', (turn + 1) / turns);
    }
  } finally {
    reference.dispose();
    output.progressDone();
  }
  return {
    encodeTokensPerSecond: (1000 * tokens.length) / median(ours),
    peerPrefillTokensPerSecond: (1000 * tokens.length) / median(theirs),
  };
}

/** The file of median size is edited: what is encoded again, and how long until all is ready. */
export async function editOneFile({ service }: Opened, copy: string, signal: AbortSignal): Promise<Edited> {
  const context = service.folders.all[0]?.index;
  const bySize = [...(context?.files.values() ?? [])].sort((left, right) => left.tokens - right.tokens);
  const chosen = bySize[bySize.length >> 1];
  if (context === undefined || chosen === undefined) {
    throw new EngineError('INTERNAL', 'There is no file to edit.');
  }
  const before = new Set(bySize.flatMap(({ chunks }) => chunks.map(({ address }) => address)));
  await editInTheMiddle(copy, chosen.path);
  const started = performance.now();
  context.noteChanges([chosen.path]);
  await service.lane.finish(signal);
  const seconds = (performance.now() - started) / 1000;
  const chunks = [...context.files.values()].flatMap((file) => file.chunks);
  const changed = chunks.filter(({ address }) => !before.has(address));
  return {
    reencodeOneFileSeconds: seconds,
    reencodedTokens: changed.reduce((sum, { tokens }) => sum + tokens.length, 0),
    editedFileTokens: chosen.tokens,
  };
}

/** Opens the store in a new process, with whatever the system has in its page cache. */
export function reopen(
  { options, calibration }: CommandLine,
  copy: string,
  store: string,
  signal: AbortSignal,
): Promise<{ readonly seconds: number; readonly tokens: number }> {
  const script = process.argv[1] ?? '';
  const args = [script, 'bench', 'repository', store, '--repo', copy, '--attention', options.attention, '--json'];
  const more = Object.entries({
    model: options.model,
    budget: options.budget || '',
    threads: options.threads || '',
    'context-tokens': options.contextTokens || '',
    rows: options.rows,
    'repository-tokens': options.repositoryTokens || '',
    calibration: calibration ?? '',
  }).flatMap(([name, value]) => (value === '' ? [] : [`--${name}`, String(value)]));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args, ...more], { signal, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        resolve(JSON.parse(text) as { seconds: number; tokens: number });
      } else {
        reject(new EngineError('INTERNAL', `The process that opens the chunks again ended with code ${code}.`));
      }
    });
  });
}
