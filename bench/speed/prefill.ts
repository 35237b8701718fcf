/** `bench prefill`: tokens a second of a prefill into an empty cache, libllama's and ours, in turns. */

import os from 'node:os';
import { cancellable } from '../../language-server/base/cancellable';
import type { CommandLine } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { defaultBudget } from '../../language-server/engine/native/native-engine';
import type { LaboratoryContext, LaboratoryOpenModel } from '../common/addon';
import { withLaboratoryModel } from '../common/addon';
import { needMemory, someTokens } from '../common/model';
import { median } from '../common/statistics';
import { fixed, printReport } from '../common/table';
import { closePeers, openPeers, type Peer, peersBytes } from './peers';

const defaultLengths = [512, 2048];
const turns = 5;

interface PrefillRow {
  readonly length: number;
  readonly peerTokensPerSecond: number;
  readonly peerKvType: string;
  readonly tokensPerSecond: number;
  /** Ours over the peer's. */
  readonly ratio: number;
}

export async function benchPrefill(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  await withLaboratoryModel(line, output, signal, async (bench) => {
    const rows: PrefillRow[] = [];
    for (const length of line.lengths ?? defaultLengths) {
      rows.push(await measureLength(bench, length, output, signal));
    }
    const record = {
      model: bench.model.info.name,
      device: bench.device,
      threads: bench.threads,
      turns,
      loadAverage: os.loadavg()[0] ?? 0,
      rows,
    };
    printReport(output, line.options.json, {
      record,
      heading: [`${record.model}, ${record.device}, ${record.threads} threads`],
      rows,
      columns: [
        { title: 'tokens', text: (row) => String(row.length) },
        { title: 'libllama tokens/s', text: (row) => fixed(row.peerTokensPerSecond, 1) },
        { title: 'its cache', text: (row) => row.peerKvType },
        { title: 'ours tokens/s', text: (row) => fixed(row.tokensPerSecond, 1) },
        { title: 'ratio', text: (row) => fixed(row.ratio, 3) },
      ],
    });
  });
}

async function measureLength(
  bench: LaboratoryOpenModel,
  length: number,
  output: Output,
  signal: AbortSignal,
): Promise<PrefillRow> {
  const contextTokens = length + 1;
  const { kvBytesPerToken } = bench.model.info;
  needMemory(peersBytes(bench, contextTokens) + 1.1 * kvBytesPerToken * contextTokens, `A prefill of ${length} tokens`);
  const { threads, calibration } = bench;
  const context = bench.model.createContext({
    contextTokens,
    threads,
    ...(calibration === undefined ? {} : { calibration }),
  });
  let peers: Peer[] = [];
  try {
    peers = await openPeers(bench, contextTokens, signal);
    const tokens = someTokens(bench.model, length);
    const theirs = peers.map((): number[] => []);
    const ours: number[] = [];
    const total = turns * (peers.length + 1);
    for (let turn = 0; turn < turns; turn++) {
      for (const [i, { reference }] of peers.entries()) {
        theirs[i]?.push(await cancellable(reference.timePrefill(tokens), signal));
        output.progress(`Prefill of ${length} tokens`, (turn * (peers.length + 1) + i + 1) / total);
      }
      ours.push(await timeOurs(context, tokens, signal));
    }
    output.progressDone();
    const medians = theirs.map(median);
    const best = medians.indexOf(Math.min(...medians));
    const perSecond = (ms: number) => (1000 * length) / ms;
    const peer = medians[best] ?? Number.NaN;
    return {
      length,
      peerTokensPerSecond: perSecond(peer),
      peerKvType: peers[best]?.kind.name ?? '',
      tokensPerSecond: perSecond(median(ours)),
      ratio: peer / median(ours),
    };
  } finally {
    context.dispose();
    closePeers(peers);
  }
}

/** Milliseconds, importance keys included. */
async function timeOurs(context: LaboratoryContext, tokens: Int32Array, signal: AbortSignal): Promise<number> {
  context.clear();
  const { stats } = await cancellable(
    context.generate(
      {
        tokens,
        maxTokens: 1,
        sampling: { temperature: 0, topK: 1, topP: 1, seed: 0 },
        stopTokens: [],
        attention: 'dense',
        budget: defaultBudget,
        fasaFromTokens: 0,
        priority: 0,
      },
      {},
    ),
    signal,
  );
  return stats.prefillMs;
}
