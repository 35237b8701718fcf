/** What all benchmarks of a model start with: the model, its calibration, tokens to feed, and enough memory. */

import os from 'node:os';
import path from 'node:path';
import type { CommandLine } from '../../language-server/cli/arguments';
import { findModel } from '../../language-server/cli/open-engine';
import type { Output } from '../../language-server/cli/output';
import type { NativeAddon, NativeModel } from '../../language-server/engine/addon';
import { type CalibrationFile, findCalibration, parseCalibration } from '../../language-server/engine/calibration';
import { cancellable } from '../../language-server/engine/cancellable';
import { chooseDevice } from '../../language-server/engine/devices';
import { EngineError } from '../../language-server/engine/errors';
import { loadAddon } from '../../language-server/engine/load-addon';
import { formatBytes, memoryAvailable } from '../../language-server/engine/memory';
import { chooseThreads } from '../../language-server/engine/threads';
import { readNamedText } from '../../language-server/repository/read-file';

export interface BenchModel {
  readonly addon: NativeAddon;
  readonly model: NativeModel;
  /** The GGUF file. */
  readonly path: string;
  readonly calibration: CalibrationFile | undefined;
  readonly threads: number;
  /** The machine's processor, or the GPU. */
  readonly device: string;
}

/** @throws EngineError of every loading code */
export async function withBenchModel<T>(
  line: CommandLine,
  output: Output,
  signal: AbortSignal,
  work: (bench: BenchModel) => Promise<T>,
): Promise<T> {
  const addon = loadAddon();
  const file = await findModel(line.options.model, output, signal);
  const info = addon.inspectModel(file);
  const calibration =
    line.calibration === undefined
      ? await findCalibration(info)
      : parseCalibration(await readText(line.calibration), path.resolve(line.calibration), info);
  const gpu = chooseDevice(addon.devices(), line.options.device === '' ? 'cpu' : line.options.device);
  const place = gpu === undefined ? {} : { device: gpu.name };
  const loading = addon.loadModel({ path: file, ...place }, (share) => output.progress('Loading the model', share));
  const model = await cancellable(loading, signal);
  output.progressDone();
  try {
    const threads = chooseThreads(line.options.threads);
    return await work({ addon, model, path: file, calibration, threads, device: gpu?.description ?? deviceName() });
  } finally {
    model.dispose();
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readNamedText(file);
  } catch (error) {
    throw new EngineError('BAD_CALIBRATION', `The calibration file ${path.resolve(file)} cannot be read.`, {
      cause: error,
    });
  }
}

/** @throws EngineError BAD_CALIBRATION */
export function needCalibration({ calibration, model }: BenchModel): CalibrationFile {
  if (calibration === undefined) {
    throw new EngineError('BAD_CALIBRATION', `There is no calibration file for ${model.info.name}.`, {
      remedy: 'Make one with the calibrate command and name it with --calibration FILE.',
    });
  }
  return calibration;
}

export function deviceName(): string {
  return os.cpus()[0]?.model.trim() ?? 'CPU';
}

/** @throws EngineError OUT_OF_MEMORY, before anything is allocated */
export function needMemory(bytes: number, what: string): void {
  const free = memoryAvailable();
  if (bytes > free) {
    throw new EngineError(
      'OUT_OF_MEMORY',
      `${what} needs about ${formatBytes(bytes)} of memory, and ${formatBytes(free)} are free.`,
      { remedy: 'Close other programs, or leave the largest sizes out.' },
    );
  }
}

/** Tokens of a text that looks like code; always the same. Times do not depend on what it says. */
export function someTokens(model: NativeModel, count: number): Int32Array {
  const { addBos, bos } = model.info.tokens;
  const parts = addBos && bos !== undefined ? [bos] : [];
  for (let i = 0; parts.length < count; i++) {
    const text = `export function step${i}(items: Item[], limit = ${(i * 37) % 101}): number {
  return items.filter((item) => item.size > limit).reduce((sum, item) => sum + item.size * ${i + 2}, 0);
}\n\n`;
    parts.push(...model.tokenize(text, false));
  }
  return Int32Array.from(parts.slice(0, count));
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
