/**
 * The laboratory (bench/) measures and evaluates, and does not ship. In the sources it is bundled as dist/bench.js and loaded by
 * its path when a command needs it, so nothing here imports it.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { EngineError } from '../base/errors';
import type { CalibrationFile } from '../engine/calibration/calibration';
import type { NativeAddon } from '../engine/native/addon';
import type { CommandLine } from './arguments';
import type { OpenModel } from './open-model';
import type { Output } from './output';

export type Command = (line: CommandLine, output: Output, signal: AbortSignal) => Promise<void>;

export interface Decision {
  readonly composition: NonNullable<CalibrationFile['composition']>;
  /** What was compared, as --json prints it. */
  readonly candidates: readonly object[];
}

/** The model is opened by the laboratory's addon. Answers undefined, and says why, where the defaults stay. */
export type Decide = (opened: OpenModel, output: Output, signal: AbortSignal) => Promise<Decision | undefined>;

/** What dist/bench.js exports as `laboratory`. */
export interface Laboratory {
  readonly bench: Command;
  readonly evaluate: Command;
  /** All that the product's addon is, and more. @throws EngineError as loading the product's does */
  readonly loadAddon: () => NativeAddon;
  /**
   * How `calibrate` decides the composition; undefined where the options say not to.
   * @throws EngineError USAGE, before any model is loaded
   */
  readonly prepareDecision: (line: CommandLine) => Decide | undefined;
}

/** Undefined where it was not built. */
export function findLaboratory(): Laboratory | undefined {
  const file = path.join(__dirname, 'bench.js');
  if (!existsSync(file)) {
    return undefined;
  }
  const { laboratory } = createRequire(file)(file) as { readonly laboratory: Laboratory };
  return laboratory;
}

/** @throws EngineError SOURCES_NEEDED */
export function needLaboratory(command: string): Laboratory {
  const laboratory = findLaboratory();
  if (laboratory === undefined) {
    throw new EngineError('SOURCES_NEEDED', `The command "${command}" is not part of the packaged extension.`, {
      remedy: `It needs the sources of FASA Code, after "npm run setup" there: node dist/cli.js ${command}`,
    });
  }
  return laboratory;
}
