/** Calibrates the loaded model behind everything that anyone waits for, and writes the file for the next load. */

import path from 'node:path';
import { makePlace, placeOf } from '../../base/cache-files';
import { cancellable } from '../../base/cancellable';
import { cancelled, EngineError, isCancelled, throwIfAborted, toEngineError } from '../../base/errors';
import type { CalibrationRun, EngineCalibration } from '../engine';
import type { NativeModel } from '../native/addon';
import { type CalibrationFile, calibrationFormat, calibrationVersion, saveOwnCalibration } from './calibration';

/** Behind requests, encoding and the meter. */
const priority = -20;
/** More is not worth it: then the model stays dense. */
const defaultMaxComputeMs = 10 * 60_000;

export interface BackgroundCalibratorParts {
  /** On the CPU; loaded if need be. */
  readonly model: () => Promise<NativeModel>;
  /** Settles when no request runs. */
  readonly quiet: () => Promise<unknown>;
  /** Where the file goes. */
  readonly file: string;
  /** Most that is spent, documents that were ended included; for tests. */
  readonly maxComputeMs?: number;
}

export class BackgroundCalibrator implements EngineCalibration {
  readonly #parts: BackgroundCalibratorParts;
  readonly #closing = new AbortController();
  #attempt: AbortController | undefined;
  /** Of the documents that are done: a run that was ended goes on behind them. */
  #sums = new Float64Array();
  #done = 0;
  #tokens = 0;
  #spentMs = 0;

  constructor(parts: BackgroundCalibratorParts) {
    this.#parts = parts;
  }

  /** A request came: the document being read begins again behind it. */
  stepAside(): void {
    this.#attempt?.abort();
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

  /** One document; undefined when it stepped aside. */
  async #observe(
    model: NativeModel,
    document: Int32Array,
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ): Promise<CalibrationFile['dominantFcs'] | undefined> {
    await this.#parts.quiet();
    throwIfAborted(signal);
    const most = this.#parts.maxComputeMs ?? defaultMaxComputeMs;
    if (this.#spentMs > most) {
      throw new EngineError('TOO_SLOW', `Calibrating took more than ${most / 60_000} minutes here.`);
    }
    const attempt = new AbortController();
    this.#attempt = attempt;
    const started = performance.now();
    try {
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
      const { dominantFcs, sums } = await cancellable(task, AbortSignal.any([signal, attempt.signal]));
      this.#sums = new Float64Array(sums ?? []);
      this.#done++;
      this.#tokens += document.length;
      return dominantFcs;
    } catch (error) {
      if (attempt.signal.aborted && !signal.aborted && isCancelled(toEngineError(error))) {
        return undefined;
      }
      throw error;
    } finally {
      this.#attempt = undefined;
      this.#spentMs += performance.now() - started;
    }
  }
}
