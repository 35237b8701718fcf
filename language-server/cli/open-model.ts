/** A model file opened without an engine, for `calibrate` and the laboratory. */

import os from 'node:os';
import path from 'node:path';
import { cancellable } from '../base/cancellable';
import { EngineError } from '../base/errors';
import { type CalibrationFile, findCalibration, parseCalibration } from '../engine/calibration/calibration';
import { chooseDevice, chooseThreads } from '../engine/devices';
import type { NativeAddon, NativeModel } from '../engine/native/addon';
import { loadAddon } from '../engine/native/load-addon';
import { readNamedText } from '../index/discover/read-file';
import type { CommandLine } from './arguments';
import { findModel } from './open-engine';
import type { Output } from './output';

export interface OpenModel {
  readonly addon: NativeAddon;
  readonly model: NativeModel;
  /** The GGUF file. */
  readonly path: string;
  readonly calibration: CalibrationFile | undefined;
  readonly threads: number;
  /** The machine's processor, or the GPU. */
  readonly device: string;
}

/** @throws EngineError with any code that loading can have */
export async function withModel<T>(
  line: CommandLine,
  output: Output,
  signal: AbortSignal,
  work: (opened: OpenModel) => Promise<T>,
  addon: NativeAddon = loadAddon(),
): Promise<T> {
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
    return await work({ addon, model, path: file, calibration, threads, device: gpu?.description ?? processorName() });
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

export function processorName(): string {
  return os.cpus()[0]?.model.trim() ?? 'CPU';
}
