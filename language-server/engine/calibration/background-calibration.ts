/**
 * A model without a calibration is calibrated once, on the user's own repository, when nothing was asked for a while. Until
 * then `auto` stays dense, and the status says so.
 */

import { isCancelled, toEngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { SourceFiles } from '../../index/discover/source-files';
import type { Engine } from '../engine';
import type { ModelHost } from '../model-host';
import { readCalibrationDocuments } from './documents';

/** Documents short enough that one is done between two requests of a person who types now and then. */
const documentTokens = 2048;
const maxDocuments = 8;
/** With less text the choice would be of this text alone. */
const minTokens = 4096;

export interface BackgroundCalibrationParts {
  readonly host: ModelHost;
  readonly log: Log;
  /** The folders whose files may be read; none: nothing is calibrated. */
  readonly folders: () => readonly SourceFiles[];
  /** The share that is done changed. */
  readonly onChange: () => void;
  readonly idleMs: number;
}

export class BackgroundCalibration {
  readonly #parts: BackgroundCalibrationParts;
  #timer: NodeJS.Timeout | undefined;
  #running: AbortController | undefined;
  #share: number | undefined;
  /** Not again with this engine and these folders. */
  #settled: { readonly engine: Engine; readonly folders: number } | undefined;
  #closed = false;

  constructor(parts: BackgroundCalibrationParts) {
    this.#parts = parts;
  }

  /** 0 to 1 while it runs. */
  get share(): number | undefined {
    return this.#share;
  }

  /** Idleness is counted from now on. What runs already goes on: it steps aside by itself. */
  consider(): void {
    if (this.#closed || this.#running !== undefined || !this.#isWanted()) {
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), this.#parts.idleMs);
    this.#timer.unref();
  }

  /** Ends it; what is done already is not lost as long as the engine stays. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#running?.abort();
  }

  close(): void {
    this.#closed = true;
    this.stop();
  }

  #isWanted(): boolean {
    const { engine } = this.#parts.host;
    const folders = this.#parts.folders().length;
    const settled = this.#settled?.engine === engine && this.#settled?.folders === folders;
    return engine?.calibration !== undefined && folders > 0 && !settled;
  }

  async #run(): Promise<void> {
    const { host, log, onChange } = this.#parts;
    const { engine } = host;
    if (engine?.calibration === undefined || this.#running !== undefined || !this.#isWanted()) {
      return;
    }
    if (host.state !== 'ready') {
      this.consider();
      return;
    }
    const running = new AbortController();
    this.#running = running;
    const folders = this.#parts.folders();
    try {
      const documents = await readCalibrationDocuments(
        folders,
        { tokenize: (text) => engine.tokenize(text), start: startOf(engine) },
        { documentTokens, maxDocuments },
        running.signal,
      );
      const tokens = documents.reduce((sum, { length }) => sum + length, 0);
      if (tokens < minTokens) {
        log.info(`${engine.model.name} is not calibrated: the folders have ${tokens} tokens, ${minTokens} are needed.`);
        this.#settled = { engine, folders: folders.length };
        return;
      }
      log.info(`Calibrating ${engine.model.name} with ${tokens} tokens of the open folders`);
      this.#share = 0;
      onChange();
      await engine.calibration.run({
        documents,
        corpus: "the user's own repository",
        signal: running.signal,
        onProgress: (share) => {
          this.#share = share;
          onChange();
        },
      });
      this.#settled = { engine, folders: folders.length };
      log.info(`Calibrated ${engine.model.name}`);
      if (host.engine === engine) {
        host.reload();
      }
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#settled = { engine, folders: folders.length };
        log.warn(`Calibrating failed: ${failure.code}: ${failure.message}`);
      }
    } finally {
      this.#running = undefined;
      this.#share = undefined;
      onChange();
    }
  }
}

function startOf({ model }: Engine): number[] {
  const { addBos, bos } = model.tokens;
  return addBos && bos !== undefined ? [bos] : [];
}
