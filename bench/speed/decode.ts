/** `bench decode`: milliseconds of whole decode steps at depths, libllama's and ours, in turns in one run. */

import os from 'node:os';
import { cancellable } from '../../language-server/base/cancellable';
import type { CommandLine } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { autoFasaFromTokens, defaultBudget } from '../../language-server/engine/native/native-engine';
import type { LaboratoryContext, LaboratoryOpenModel, StepTiming } from '../common/addon';
import { withLaboratoryModel } from '../common/addon';
import { needCalibration, needMemory, someTokens } from '../common/model';
import { median } from '../common/statistics';
import type { Column } from '../common/table';
import { fixed, printReport } from '../common/table';
import { closePeers, openPeers, type Peer, peersBytes } from './peers';
import { benchSynthetic } from './synthetic';

const defaultDepths = [0, 2048, 8192];
/** These are prefilled for real; deeper caches repeat their rows. */
const realTokens = 512;
const turns = 5;
/** The first of each turn warms up and does not count. */
const stepsPerTurn = 7;

type OurMode = 'dense' | 'fasa-c' | 'auto';

/** docs/benchmarks.md says what each field means. */
interface DecodeRow {
  readonly depth: number;
  readonly peerMsPerToken: number;
  readonly peerKvType: string;
  readonly denseMsPerToken: number;
  readonly fasaMsPerToken: number;
  readonly autoMsPerToken: number;
  readonly speedupVsPeer: number;
  readonly speedupVsDense: number;
  readonly attentionSpeedup?: number;
  readonly bytesLimitSpeedup: number;
  readonly fullBytes: number;
  readonly fastBytes: number;
  readonly bytesReadPerToken: number;
  readonly budget: number;
  readonly tipShare: number;
  readonly selectionShare: number;
  readonly facShare: number;
  /** The fastest step of each, for busy machines. */
  readonly least: { readonly peer: number; readonly dense: number; readonly fasa: number };
  /** Median of each of libllama's ways. */
  readonly peers: Readonly<Record<string, number>>;
}

export async function benchDecode(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  if (line.synthetic !== undefined) {
    return benchSynthetic(line, output, signal);
  }
  await withLaboratoryModel(line, output, signal, async (bench) => {
    const budget = line.options.budget > 0 ? line.options.budget : defaultBudget;
    const rows: DecodeRow[] = [];
    for (const depth of line.depths ?? defaultDepths) {
      rows.push(await measureDepth(bench, depth, budget, output, signal));
    }
    const record = {
      model: bench.model.info.name,
      device: bench.device,
      threads: bench.threads,
      kernels: bench.addon.cpuFeatures().fasaKernels,
      turns,
      stepsPerTurn: stepsPerTurn - 1,
      loadAverage: os.loadavg()[0] ?? 0,
      rows,
    };
    printReport(output, line.options.json, {
      record,
      heading: [`${record.model}, ${record.device}, ${record.threads} threads, ${record.kernels} kernels`],
      rows,
      columns: decodeColumns,
    });
  });
}

async function measureDepth(
  bench: LaboratoryOpenModel,
  depth: number,
  budget: number,
  output: Output,
  signal: AbortSignal,
): Promise<DecodeRow> {
  const contextTokens = Math.max(depth, realTokens) + stepsPerTurn;
  const { kvBytesPerToken } = bench.model.info;
  needMemory(peersBytes(bench, contextTokens) + 1.1 * kvBytesPerToken * contextTokens, `A depth of ${depth} tokens`);
  const title = `Decoding at ${depth} tokens`;
  const context = bench.model.createContext({
    contextTokens,
    threads: bench.threads,
    calibration: needCalibration(bench),
  });
  let peers: Peer[] = [];
  try {
    peers = await openPeers(bench, contextTokens, signal);
    const tokens = someTokens(bench.model, realTokens);
    const ours: Record<OurMode, StepTiming[]> = { dense: [], 'fasa-c': [], auto: [] };
    const theirs = peers.map((): number[][] => []);
    const total = turns * (peers.length + 3);
    let done = 0;
    const onTurn = () => output.progress(title, ++done / total);
    for (let turn = 0; turn < turns; turn++) {
      for (const [i, { reference }] of peers.entries()) {
        theirs[i]?.push(await cancellable(reference.timeSteps({ tokens, depth, steps: stepsPerTurn }), signal));
        onTurn();
      }
      for (const mode of ['dense', 'fasa-c', 'auto'] as const) {
        ours[mode].push(await timeOurs(context, tokens, depth, mode, budget, signal));
        onTurn();
      }
    }
    output.progressDone();
    return decodeRow(bench, depth, budget, peers, theirs, ours);
  } finally {
    context.dispose();
    closePeers(peers);
  }
}

function timeOurs(
  context: LaboratoryContext,
  tokens: Int32Array,
  depth: number,
  attention: OurMode,
  budget: number,
  signal: AbortSignal,
): Promise<StepTiming> {
  const fasaFromTokens = attention === 'auto' ? autoFasaFromTokens : 0;
  return cancellable(
    context.timeSteps({ tokens, depth, steps: stepsPerTurn, attention, budget, fasaFromTokens }),
    signal,
  );
}

function counted(turnsOfSteps: readonly (readonly number[])[]): number[] {
  return turnsOfSteps.flatMap((steps) => steps.slice(1));
}

function decodeRow(
  bench: LaboratoryOpenModel,
  depth: number,
  budget: number,
  peers: readonly Peer[],
  theirs: readonly number[][][],
  ours: Readonly<Record<OurMode, readonly StepTiming[]>>,
): DecodeRow {
  const steps = (mode: OurMode) => counted(ours[mode].map(({ stepMs }) => stepMs));
  const stage = (mode: OurMode, pick: (timing: StepTiming) => number) => median(ours[mode].map(pick));
  const [dense, fasa, auto] = [median(steps('dense')), median(steps('fasa-c')), median(steps('auto'))];
  const medians = theirs.map((steps) => median(counted(steps)));
  const best = medians.indexOf(Math.min(...medians));
  const peer = medians[best] ?? Number.NaN;
  const { tip, selection, fac } = {
    tip: stage('fasa-c', ({ tipMs }) => tipMs),
    selection: stage('fasa-c', ({ selectionMs }) => selectionMs),
    fac: stage('fasa-c', ({ facMs }) => facMs),
  };
  const fasaAttention = tip + selection + fac;
  const denseFac = stage('dense', ({ facMs }) => facMs);
  // with ggml's kernel: the rest of a step is the same for both, weights, norms, logits
  const denseAttention = denseFac > 0 ? denseFac : dense - (fasa - fasaAttention);
  const bytes = (mode: OurMode) => median(ours[mode].map(({ bytesReadPerToken }) => bytesReadPerToken));
  const { kvBytesPerToken, layers, kvHeads, headSize } = bench.model.info;
  const pages = Math.floor(depth / 128);
  const channels = 2 * (needCalibration(bench).dominantFcs[0]?.[0]?.length ?? headSize / 4);
  const importanceBytes = pages * (64 + 4) * channels * layers * kvHeads;
  return {
    depth,
    peerMsPerToken: peer,
    peerKvType: peers[best]?.kind.name ?? '',
    denseMsPerToken: dense,
    fasaMsPerToken: fasa,
    autoMsPerToken: auto,
    speedupVsPeer: peer / fasa,
    speedupVsDense: dense / fasa,
    ...(denseAttention > 0 && fasaAttention > 0 ? { attentionSpeedup: denseAttention / fasaAttention } : {}),
    bytesLimitSpeedup: bytes('dense') / bytes('fasa-c'),
    fullBytes: depth * kvBytesPerToken,
    fastBytes: depth * kvBytesPerToken + importanceBytes,
    bytesReadPerToken: bytes('fasa-c'),
    budget,
    tipShare: tip / fasa,
    selectionShare: selection / fasa,
    facShare: fac / fasa,
    least: {
      peer: Math.min(...counted(theirs[best] ?? [])),
      dense: Math.min(...steps('dense')),
      fasa: Math.min(...steps('fasa-c')),
    },
    peers: Object.fromEntries(peers.map(({ kind }, i) => [kind.name, medians[i] ?? Number.NaN])),
  };
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const decodeColumns: readonly Column<DecodeRow>[] = [
  { title: 'depth', text: (row) => String(row.depth) },
  { title: 'libllama ms', text: (row) => fixed(row.peerMsPerToken, 2) },
  { title: 'its cache', text: (row) => row.peerKvType },
  { title: 'dense ms', text: (row) => fixed(row.denseMsPerToken, 2) },
  { title: 'FASA ms', text: (row) => fixed(row.fasaMsPerToken, 2) },
  { title: 'auto ms', text: (row) => fixed(row.autoMsPerToken, 2) },
  { title: 'vs libllama', text: (row) => fixed(row.speedupVsPeer, 2) },
  { title: 'vs dense', text: (row) => fixed(row.speedupVsDense, 2) },
  { title: 'attention', text: (row) => fixed(row.attentionSpeedup, 1) },
  { title: 'bytes limit', text: (row) => fixed(row.bytesLimitSpeedup, 1) },
  { title: 'TIP', text: (row) => percent(row.tipShare) },
  { title: 'selection', text: (row) => percent(row.selectionShare) },
  { title: 'FAC', text: (row) => percent(row.facShare) },
];
