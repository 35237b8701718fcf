/**
 * A model without a calibration is calibrated once, on the user's own repository, when nothing was asked for a while. Until
 * then `auto` stays dense, and the status says so.
 */

import { isCancelled, toEngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { Engine } from '../engine';
import type { ModelHost } from '../model-host';
import { joinCalibrationDocuments } from './documents';

/** Documents are so short that one is done between two requests of a person who types now and then. */
const documentTokens = 2048;
const maxDocuments = 8;
/** With fewer tokens the choice would fit this text alone. */
const minTokens = 4096;

interface BackgroundCalibrationParts {
  readonly host: ModelHost;
  readonly log: Log;
  /** How many folders there are whose files may be read; 0: nothing is calibrated. */
  readonly folders: () => number;
  /** The texts of their files, each after its path line. */
  readonly texts: (signal: AbortSignal) => AsyncIterable<string>;
  /** Is called when the share that is done changed. */
  readonly onChange: () => void;
  readonly idleMs: number;
}

export class BackgroundCalibration {
  readonly #parts: BackgroundCalibrationParts;
  #timer: NodeJS.Timeout | undefined;
  #running: AbortController | undefined;
  #share: number | undefined;
  /** What calibrating is not tried again with. */
  #settled: { readonly engine: Engine; readonly folders: number } | undefined;
  #closed = false;

  constructor(parts: BackgroundCalibrationParts) {
    this.#parts = parts;
  }

  /** 0 to 1 while it runs. */
  get share(): number | undefined {
    return this.#share;
  }

  /** Counts idle time from now on. A run goes on: requests interrupt it by themselves. */
  consider(): void {
    if (this.#closed || this.#running !== undefined || !this.#isWanted()) {
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), this.#parts.idleMs);
    this.#timer.unref();
  }

  /** Ends the run; documents that are done are not lost as long as the engine stays. */
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
    const folders = this.#parts.folders();
    const settled = this.#settled?.engine === engine && this.#settled?.folders === folders;
    return engine?.calibration !== undefined && folders > 0 && !settled;
  }

  async #run(): Promise<void> {
    const { host, log, onChange, texts } = this.#parts;
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
      const documents = await joinCalibrationDocuments(
        texts(running.signal),
        { tokenize: (text) => engine.tokenize(text), start: startOf(engine) },
        { documentTokens, maxDocuments },
      );
      const tokens = documents.reduce((sum, { length }) => sum + length, 0);
      if (tokens < minTokens) {
        log.info(`${engine.model.name} is not calibrated: the folders have ${tokens} tokens, ${minTokens} are needed.`);
        this.#settled = { engine, folders };
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
      this.#settled = { engine, folders };
      log.info(`Calibrated ${engine.model.name}`);
      if (host.engine === engine) {
        host.reload();
      }
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        this.#settled = { engine, folders };
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
