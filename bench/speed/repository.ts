/**
 * `bench repository`: a repository is encoded, opened again by another process, edited, and read by requests, with and without it
 * in turns. This works on a copy of the folder and in a store of its own, which are removed at the end.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder } from '../../language-server/base/cache-folder';
import { EngineError } from '../../language-server/base/errors';
import type { CommandLine } from '../../language-server/cli/arguments';
import { withFolders } from '../../language-server/cli/open-context';
import { withEngine } from '../../language-server/cli/open-engine';
import { processorName } from '../../language-server/cli/open-model';
import type { Output } from '../../language-server/cli/output';
import type { EncodedChunk, Engine, RetrievedChunk } from '../../language-server/engine/engine';
import { concatenate } from '../../language-server/engine/native/token-parts';
import { readNamedText } from '../../language-server/index/discover/read-file';
import { needChunks } from '../common/model';
import { copyRepository } from '../common/repository-copy';
import { median } from '../common/statistics';
import { fixed, printReport } from '../common/table';
import {
  chunksOfTokens,
  type EncodingDelay,
  measureDelay,
  type RequestTimes,
  tailTokens,
  timeRequests,
} from './repository-requests';
import {
  compareEncoding,
  type Edited,
  type EncodingSpeed,
  editOneFile,
  type Opened,
  reopen,
  turns,
} from './repository-steps';

const defaultTokens = 131_072;

interface DepthRow {
  /** Tokens of the repository. */
  readonly tokens: number;
  /** Tokens of the retrieved chunks. */
  readonly retrievedTokens: number;
  readonly firstTokenMs: number;
  readonly typedTokenMs: number;
  readonly decodeMsPerToken: number;
  /** The fastest turns, which show the machine without other programs. */
  readonly least: Readonly<Record<'firstTokenMs' | 'typedTokenMs' | 'decodeMsPerToken', number>>;
  readonly fullBytes: number;
  readonly fastBytes: number;
  readonly slowBytes: number;
}

interface RepositoryRecord extends EncodingSpeed, Edited {
  readonly model: string;
  readonly device: string;
  readonly threads: number;
  readonly turns: number;
  readonly loadAverage: number;
  readonly files: number;
  readonly tokens: number;
  readonly chunks: number;
  readonly encodeSeconds: number;
  readonly reopenSeconds: number;
  readonly firstTokenMsWithout: number;
  readonly firstTokenMsWith: number;
  readonly typedTokenMsWithout: number;
  readonly typedTokenMsWith: number;
  readonly decodeMsPerTokenWithout: number;
  readonly decodeMsPerTokenWith: number;
  readonly fullBytes: number;
  readonly fastBytes: number;
  readonly diskBytes: number;
  /** The row type of the store. */
  readonly rowType: CommandLine['options']['rows'];
  /** Keys and values without importance keys, in the store's row type. */
  readonly rowBytes: number;
  readonly encodingDelay: EncodingDelay;
  readonly rows: readonly DepthRow[];
}

export async function benchRepository(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [, storeOfOther] = line.operands;
  if (storeOfOther !== undefined) {
    // this is the process that opens again what its parent encoded
    await withRepository(line, line.options.repo, storeOfOther, output, signal, async ({ service }, seconds) => {
      const { tokensEncoded } = service.status ?? { tokensEncoded: 0 };
      output.json({ seconds, tokens: tokensEncoded });
    });
    return;
  }
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(path.join(cacheFolder(), 'bench-'));
  try {
    const copy = path.join(work, 'repository');
    const store = path.join(work, 'store');
    await copyRepository(line.options.repo, copy, signal);
    await withRepository(line, copy, store, output, signal, async (opened, encodeSeconds) => {
      const result = await measure(line, opened, { copy, store, encodeSeconds }, output, signal);
      report(result, line.options.json, output);
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** @param work gets the seconds from the loaded model until all chunks were ready */
function withRepository(
  { options }: CommandLine,
  folder: string,
  store: string,
  output: Output,
  signal: AbortSignal,
  work: (opened: Opened, seconds: number) => Promise<void>,
): Promise<void> {
  const folders = { folders: [folder], tokens: options.repositoryTokens || defaultTokens, encode: true };
  const open = (engine: Engine, modelPath: string) => {
    const repository = needChunks(engine);
    return withFolders(engine, folders, output, signal, (service, seconds) =>
      work({ engine, repository, service, modelPath }, seconds),
    );
  };
  return withEngine({ ...options, device: '' }, output, signal, open, { store: { folder: store } });
}

async function measure(
  line: CommandLine,
  opened: Opened,
  { copy, store, encodeSeconds }: { readonly copy: string; readonly store: string; readonly encodeSeconds: number },
  output: Output,
  signal: AbortSignal,
): Promise<RepositoryRecord> {
  const { engine, repository, service } = opened;
  const context = service.folders.all[0]?.index;
  if (context === undefined) {
    throw new EngineError('INTERNAL', 'The folder is not open.');
  }
  const records = [...context.files.values()];
  const all = records.flatMap(({ chunks }) => chunks.map(({ tokens }) => tokens));
  const text = concatenate(all);
  if (text.length < 2 * tailTokens) {
    throw new EngineError('BAD_ARGUMENT', `There are fewer than ${2 * tailTokens} tokens in ${line.options.repo}.`);
  }
  const diskBytes = repository.disk.bytes;
  const reopened = await reopen(line, copy, store, signal);
  if (reopened.tokens !== text.length) {
    throw new EngineError('INTERNAL', `${reopened.tokens} of ${text.length} tokens were opened again.`);
  }
  // the text around a cursor somewhere in the repository
  const around = await readNamedText(path.join(copy, records[records.length >> 1]?.path ?? ''));
  const choose = () => context.chunksFor(undefined, { before: around, after: '', document: around });
  const { maxTokens } = context.policy;
  const retrieved = choose();
  const encoded = records.flatMap(({ chunks }) => chunks.flatMap(({ encoded: chunk }) => chunk ?? []));
  const held = totals(engine, encoded);
  const depths = [0, ...(line.depths ?? []), text.length];
  const times = await timeInTurns(opened, text, depths, { choose, maxTokens }, output, signal);
  const rows = depths.map((depth, i) => {
    const { tokens } = totals(engine, chunksIn(chunksOfTokens(retrieved, Math.min(depth, maxTokens))));
    return row(times[i] ?? [], {
      ...totals(engine, chunksIn(chunksOfTokens(retrieved, depth))),
      retrievedTokens: tokens,
    });
  });
  const without = rows[0];
  const withAll = rows.at(-1);
  const encodingDelay = await measureDelay(engine, repository, text, retrieved, all, signal);
  const speed = await compareEncoding(opened, all, output, signal);
  const edited = await editOneFile(opened, copy, signal);
  return {
    model: engine.model.name,
    device: processorName(),
    threads: engine.device.threads,
    turns,
    loadAverage: os.loadavg()[0] ?? 0,
    files: records.length,
    tokens: text.length,
    chunks: all.length,
    encodeSeconds,
    reopenSeconds: reopened.seconds,
    ...edited,
    firstTokenMsWithout: without?.firstTokenMs ?? Number.NaN,
    firstTokenMsWith: withAll?.firstTokenMs ?? Number.NaN,
    typedTokenMsWithout: without?.typedTokenMs ?? Number.NaN,
    typedTokenMsWith: withAll?.typedTokenMs ?? Number.NaN,
    decodeMsPerTokenWithout: without?.decodeMsPerToken ?? Number.NaN,
    decodeMsPerTokenWith: withAll?.decodeMsPerToken ?? Number.NaN,
    fullBytes: held.fullBytes,
    fastBytes: held.fastBytes,
    diskBytes,
    rowType: line.options.rows,
    rowBytes: held.slowBytes,
    encodingDelay,
    ...speed,
    rows: rows.toSorted((left, right) => left.tokens - right.tokens),
  };
}

function chunksIn(retrieved: readonly RetrievedChunk[]): EncodedChunk[] {
  return retrieved.map(({ chunk }) => chunk);
}

function totals(engine: Engine, chunks: readonly EncodedChunk[]) {
  const sum = { tokens: 0, fullBytes: 0, fastBytes: 0, slowBytes: 0 };
  for (const chunk of chunks) {
    sum.tokens += chunk.tokens;
    sum.fullBytes += chunk.tokens * engine.model.kvBytesPerToken;
    sum.fastBytes += chunk.fastBytes;
    sum.slowBytes += chunk.slowBytes;
  }
  return sum;
}

async function timeInTurns(
  { engine, repository }: Opened,
  text: Int32Array,
  depths: readonly number[],
  { choose, maxTokens }: { readonly choose: () => readonly RetrievedChunk[]; readonly maxTokens: number },
  output: Output,
  signal: AbortSignal,
): Promise<RequestTimes[][]> {
  const times = depths.map((): RequestTimes[] => []);
  // the first turn builds graphs and loads weights and rows into memory
  for (let turn = -1; turn < turns; turn++) {
    for (const [i, depth] of depths.entries()) {
      const number = (turn + 1) * depths.length + i;
      const chunks = () => (depth === 0 ? [] : chunksOfTokens(choose(), Math.min(depth, maxTokens)));
      const one = await timeRequests(engine, repository, text, number + 100, chunks, signal);
      if (turn >= 0) {
        times[i]?.push(one);
      }
      output.progress('Requests', (number + 1) / ((turns + 1) * depths.length));
    }
  }
  output.progressDone();
  return times;
}

function row(
  times: readonly RequestTimes[],
  sizes: Omit<DepthRow, keyof Omit<RequestTimes, 'reusedTokens'> | 'least'>,
): DepthRow {
  const [first, typed, decoded] = [
    times.map(({ firstTokenMs }) => firstTokenMs),
    times.map(({ typedTokenMs }) => typedTokenMs),
    times.map(({ decodeMsPerToken }) => decodeMsPerToken),
  ];
  return {
    ...sizes,
    firstTokenMs: median(first),
    typedTokenMs: median(typed),
    decodeMsPerToken: median(decoded),
    least: {
      firstTokenMs: Math.min(...first),
      typedTokenMs: Math.min(...typed),
      decodeMsPerToken: Math.min(...decoded),
    },
  };
}

function report(result: RepositoryRecord, json: boolean, output: Output): void {
  const gigabytes = (bytes: number) => `${fixed(bytes / 1e9, 3)} GB`;
  const heading = [
    `${result.model}, ${result.device}, ${result.threads} threads`,
    `${result.files} files, ${result.tokens} tokens in ${result.chunks} chunks`,
    `encoded in ${fixed(result.encodeSeconds, 1)} s, opened again in ${fixed(result.reopenSeconds, 2)} s (${fixed(result.encodeSeconds / result.reopenSeconds, 0)} times faster)`,
    `one file of ${result.editedFileTokens} tokens edited: ${result.reencodedTokens} tokens encoded again, ready after ${fixed(result.reencodeOneFileSeconds, 2)} s`,
    `encoding ${fixed(result.encodeTokensPerSecond, 0)} tokens/s, libllama's prefill of a chunk's length ${fixed(result.peerPrefillTokensPerSecond, 0)}`,
    `encoding adds ${fixed(result.encodingDelay.medianMs, 0)} ms to a first token (95 %: ${fixed(result.encodingDelay.p95Ms, 0)} ms)`,
    `dense f16 cache ${gigabytes(result.fullBytes)}, in memory ${gigabytes(result.fastBytes)}, on disk ${gigabytes(result.diskBytes)}`,
  ];
  printReport(output, json, {
    record: result,
    heading,
    rows: result.rows,
    columns: [
      { title: 'repository', text: ({ tokens }) => String(tokens) },
      { title: 'retrieved', text: ({ retrievedTokens }) => String(retrievedTokens) },
      { title: 'first token', text: ({ firstTokenMs }) => `${fixed(firstTokenMs, 0)} ms` },
      { title: 'typed', text: ({ typedTokenMs }) => `${fixed(typedTokenMs, 0)} ms` },
      { title: 'decode', text: ({ decodeMsPerToken }) => `${fixed(decodeMsPerToken, 1)} ms` },
    ],
  });
}
