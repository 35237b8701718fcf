/** The one download that a server runs at a time, and what its status says of it. */

import { EngineError } from '../base/errors';
import { findInCatalogue } from '../models/catalogue';
import { fetchAny } from '../models/fetch-any';
import type { HubOptions } from '../models/hub/options';
import { formatPercent } from '../protocol/format';
import type { DownloadStatus, FetchModelResult } from '../protocol/models';

interface Running {
  readonly model: string;
  readonly controller: AbortController;
  readonly done: Promise<FetchModelResult>;
}

/** Below this nobody needs to know why nothing comes. Milliseconds. */
const minWaitMs = 1000;

export class Download {
  readonly #onChange: () => void;
  #running: Running | undefined;
  #status: DownloadStatus | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get status(): DownloadStatus | undefined {
    return this.#status;
  }

  /**
   * Whoever asks for the model that is being downloaded gets that download.
   * @param signal pauses it
   * @throws EngineError BUSY while another one is downloaded, CANCELLED when it was paused; as fetchAny
   */
  async fetch(model: string, hub: HubOptions, signal: AbortSignal): Promise<FetchModelResult> {
    if (this.#running !== undefined && this.#running.model !== model) {
      throw this.busy();
    }
    const running = this.#running ?? this.#start(model, hub);
    const pause = () => running.controller.abort();
    signal.addEventListener('abort', pause, { once: true });
    if (signal.aborted) {
      pause();
    }
    try {
      return await running.done;
    } finally {
      signal.removeEventListener('abort', pause);
    }
  }

  /** Resolves when nothing is downloaded any more. */
  async pause(): Promise<void> {
    this.#running?.controller.abort();
    await this.#running?.done.catch(() => undefined);
  }

  /** Why something else has to wait. */
  busy(): EngineError {
    return new EngineError('BUSY', `${this.#status?.name ?? 'A model'} is being downloaded.`, {
      remedy: 'Wait until it is here, or pause the download first.',
    });
  }

  #start(model: string, hub: HubOptions): Running {
    const controller = new AbortController();
    const name = findInCatalogue(model)?.title ?? model;
    const show = (change: Partial<DownloadStatus>) => {
      this.#status = { model, name, step: '', ...this.#status, ...change };
      this.#onChange();
    };
    show({ step: 'Looking at the model' });
    const done = fetchAny(model, {
      hub,
      signal: controller.signal,
      onFile: (file) => show({ file }),
      onStep: (step) => show({ step }),
      onCheck: (share) => show({ step: `Checking what is here: ${formatPercent(share)}` }),
      onWait: (reason, ms) => {
        if (ms >= minWaitMs) {
          show({ step: `${reason}; trying again in ${Math.round(ms / 1000)} s` });
        }
      },
      onProgress: (progress) => {
        const { file } = this.#status ?? {};
        // figures that are not known any more are not kept
        this.#status = { model, name, ...(file === undefined ? {} : { file }), step: 'Downloading', ...progress };
        this.#onChange();
      },
    }).finally(() => {
      this.#running = undefined;
      this.#status = undefined;
      this.#onChange();
    });
    this.#running = { model, controller, done };
    return this.#running;
  }
}
