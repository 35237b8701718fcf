/** `bench decode --synthetic dDhHgG`: attention only, on random data, for the shapes of models that are not available. */

import os from 'node:os';
import { cancellable } from '../../language-server/base/cancellable';
import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import { processorName } from '../../language-server/cli/open-model';
import type { Output } from '../../language-server/cli/output';
import { defaultBudget } from '../../language-server/engine/native/native-engine';
import type { AttentionTiming } from '../common/addon';
import { loadLaboratoryAddon } from '../common/addon';
import { needMemory } from '../common/model';
import { median } from '../common/statistics';
import { fixed, printReport } from '../common/table';

const defaultDepths = [8192, 32_768, 131_072];
const turns = 15;

interface Shape {
  readonly headSize: number;
  readonly kvHeads: number;
  /** Query heads of a KV head. */
  readonly group: number;
}

/** Milliseconds are those of one layer's attention in a decode step. */
interface SyntheticRow {
  readonly depth: number;
  readonly denseMs: number;
  readonly denseKernel: 'ggml' | 'own';
  readonly fasaMs: number;
  readonly attentionSpeedup: number;
  readonly bytesLimitSpeedup: number;
  readonly shareOfBytesLimit: number;
  readonly tipMs: number;
  readonly selectionMs: number;
  readonly facMs: number;
  readonly bytesRead: number;
  readonly budget: number;
}

/** @throws EngineError USAGE */
export function parseShape(text: string): Shape {
  const match = /^d(\d{1,3})h(\d{1,3})g(\d{1,2})$/.exec(text);
  const [headSize, kvHeads, group] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  if (!(headSize >= 4 && headSize <= 256 && headSize % 4 === 0 && kvHeads >= 1 && group >= 1 && group <= 32)) {
    throw usageError(`--synthetic must be like d128h8g4 (head size, KV heads, query heads on each), not "${text}".`);
  }
  return { headSize, kvHeads, group };
}

export async function benchSynthetic(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const shape = parseShape(line.synthetic ?? '');
  const addon = loadLaboratoryAddon();
  const budget = line.options.budget > 0 ? line.options.budget : defaultBudget;
  const threads = line.options.threads > 0 ? line.options.threads : 1;
  const depths = line.depths ?? defaultDepths;
  const rows: SyntheticRow[] = [];
  for (const [i, depth] of depths.entries()) {
    output.progress(`Attention of ${line.synthetic ?? ''}`, i / depths.length);
    const bytes = Math.max(2 ** 28, 4 * shape.headSize * shape.kvHeads * depth);
    needMemory(1.2 * bytes, `A depth of ${depth} tokens`);
    const task = addon.timeAttention({ ...shape, depth, budget, dominantFcs: shape.headSize / 4, threads, turns });
    rows.push(row(depth, budget, await cancellable(task, signal)));
  }
  output.progressDone();
  const record = {
    shape: line.synthetic,
    device: processorName(),
    threads,
    kernels: addon.cpuFeatures().fasaKernels,
    turns,
    loadAverage: os.loadavg()[0] ?? 0,
    rows,
  };
  printReport(output, line.options.json, {
    record,
    heading: [`${record.shape}, ${record.device}, ${threads} threads, ${record.kernels} kernels`],
    rows,
    columns: [
      { title: 'depth', text: ({ depth }) => String(depth) },
      { title: 'dense ms', text: ({ denseMs }) => fixed(denseMs, 3) },
      { title: 'kernel', text: ({ denseKernel }) => denseKernel },
      { title: 'FASA ms', text: ({ fasaMs }) => fixed(fasaMs, 3) },
      { title: 'speed-up', text: ({ attentionSpeedup }) => fixed(attentionSpeedup, 2) },
      { title: 'bytes limit', text: ({ bytesLimitSpeedup }) => fixed(bytesLimitSpeedup, 1) },
      { title: 'TIP ms', text: ({ tipMs }) => fixed(tipMs, 3) },
      { title: 'selection ms', text: ({ selectionMs }) => fixed(selectionMs, 3) },
      { title: 'FAC ms', text: ({ facMs }) => fixed(facMs, 3) },
    ],
  });
}

/** FASA is compared with the faster of the two dense kernels. */
function row(depth: number, budget: number, timing: AttentionTiming): SyntheticRow {
  const [flash, exact, fasaMs] = [median(timing.flashMs), median(timing.exactMs), median(timing.fasaMs)];
  const denseMs = Math.min(flash, exact);
  const attentionSpeedup = denseMs / fasaMs;
  const bytesLimitSpeedup = timing.denseBytes / timing.fasaBytes;
  return {
    depth,
    denseMs,
    denseKernel: flash <= exact ? 'ggml' : 'own',
    fasaMs,
    attentionSpeedup,
    bytesLimitSpeedup,
    shareOfBytesLimit: attentionSpeedup / bytesLimitSpeedup,
    tipMs: timing.tipMs,
    selectionMs: timing.selectionMs,
    facMs: timing.facMs,
    bytesRead: timing.fasaBytes,
    budget,
  };
}
