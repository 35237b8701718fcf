/** Calibrates the loaded model after everything that anyone waits for, and writes the file for the next load. */

import path from 'node:path';
import { makePlace, placeOf } from '../../base/cache-files';
import type { CancellableTask } from '../../base/cancellable';
import { cancelled, EngineError, throwIfAborted, toEngineError } from '../../base/errors';
import type { CalibrationRun, EngineCalibration } from '../engine';
import type { NativeCalibration, NativeModel } from '../native/addon';
import { PreemptibleTask } from '../preemptible-task';
import { type CalibrationFile, calibrationFormat, calibrationVersion, saveOwnCalibration } from './calibration';

/** Lower than requests, encoding and the meter. */
const priority = -20;
/** Calibrating is not worth more: then the model stays dense. */
const defaultMaxComputeMs = 10 * 60_000;

type Calibrated = NativeCalibration & { readonly sums?: Float64Array };

interface BackgroundCalibratorParts {
  /** The model on the CPU, loaded if need be. */
  readonly model: () => Promise<NativeModel>;
  /** Settles when no request runs. */
  readonly quiet: () => Promise<unknown>;
  /** The calibration file that is written. */
  readonly file: string;
  /** Milliseconds that are spent at most, documents that were begun again included; for tests. */
  readonly maxComputeMs?: number;
}

export class BackgroundCalibrator implements EngineCalibration {
  readonly #parts: BackgroundCalibratorParts;
  readonly #closing = new AbortController();
  #task: PreemptibleTask<Calibrated> | undefined;
  /** The sums over the documents that are done: a run after one that was ended goes on with the next document. */
  #sums = new Float64Array();
  #done = 0;
  #tokens = 0;
  #spentMs = 0;

  constructor(parts: BackgroundCalibratorParts) {
    this.#parts = parts;
  }

  /** A request came: the document that is being observed begins again after it. */
  preempt(): void {
    this.#task?.preempt();
  }

  close(): void {
    this.#closing.abort();
  }

  async run({ documents, corpus, signal, onProgress }: CalibrationRun): Promise<void> {
    const all = AbortSignal.any([signal, this.#closing.signal]);
    try {
      throwIfAborted(all);
      // minutes of work are not begun for a file that cannot be kept
      await makePlace(placeOf(path.dirname(this.#parts.file)));
      const model = await this.#parts.model();
      let chosen: CalibrationFile['dominantFcs'] | undefined;
      while (this.#done < documents.length || chosen === undefined) {
        const at = Math.min(this.#done, documents.length - 1);
        const document = documents[at];
        if (document === undefined) {
          throw new EngineError('BAD_ARGUMENT', 'There are no documents to calibrate with.');
        }
        chosen = await this.#observe(model, document, all, (share) => onProgress?.((at + share) / documents.length));
      }
      const { name, architecture, fingerprint } = model.info;
      throwIfAborted(all);
      await saveOwnCalibration(this.#parts.file, {
        format: calibrationFormat,
        version: calibrationVersion,
        model: { name, architecture, fingerprint },
        corpus,
        tokens: this.#tokens,
        dominantFcs: chosen,
      });
    } catch (error) {
      throw all.aborted ? cancelled() : toEngineError(error);
    }
  }

  /** Observes one document; a request preempts it, and then the document begins again. */
  async #observe(
    model: NativeModel,
    document: Int32Array,
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ): Promise<CalibrationFile['dominantFcs']> {
    this.#task = new PreemptibleTask({
      signal,
      beforeStart: () => this.#untilQuiet(),
      start: () => this.#start(model, document, onProgress),
    });
    try {
      const { dominantFcs, sums } = await this.#task.run();
      this.#sums = new Float64Array(sums ?? []);
      this.#done++;
      this.#tokens += document.length;
      return dominantFcs;
    } finally {
      this.#task = undefined;
    }
  }

  /** @throws EngineError TOO_SLOW */
  async #untilQuiet(): Promise<void> {
    await this.#parts.quiet();
    const max = this.#parts.maxComputeMs ?? defaultMaxComputeMs;
    if (this.#spentMs > max) {
      throw new EngineError('TOO_SLOW', `Calibrating took more than ${max / 60_000} minutes here.`);
    }
  }

  #start(model: NativeModel, document: Int32Array, onProgress: (share: number) => void): CancellableTask<Calibrated> {
    const started = performance.now();
    const task = model.calibrate(
      {
        documents: [document],
        // half of the head's frequency chunks: docs/calibration.md
        dominantFcs: Math.max(1, model.info.headSize / 4),
        threads: 1,
        priority,
        sums: this.#sums,
      },
      onProgress,
    );
    const promise = task.promise.finally(() => {
      this.#spentMs += performance.now() - started;
    });
    return { promise, cancel: () => task.cancel() };
  }
}
