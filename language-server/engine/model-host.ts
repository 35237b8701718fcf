/** Owns the one engine: loads it when the server starts and again when settings ask for it, and reports its state. */

import { doneOrAborted } from '../base/cancellable';
import { cancelled, EngineError, isCancelled, type Problem, throwIfAborted, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { Engine, EngineFactory, EngineSettings } from './engine';

type HostState = 'starting' | 'loading' | 'ready' | 'busy' | 'paused' | 'off' | 'error';

interface ModelHostParts {
  readonly createEngine: EngineFactory;
  /** @throws EngineError MODEL_NOT_FOUND, WRONG_MODEL */
  readonly resolveModel: (modelPath: string, signal: AbortSignal) => Promise<string>;
  readonly log: Log;
  /** Is called when the state, the progress or the model changed. */
  readonly onChange: () => void;
}

interface Loading {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export class ModelHost {
  readonly #parts: ModelHostParts;
  #settings: EngineSettings | undefined;
  #engine: Engine | undefined;
  #loading: Loading | undefined;
  #progress = 0;
  #problem: EngineError | undefined;
  #paused = false;
  #active = 0;
  #closed = false;

  constructor(parts: ModelHostParts) {
    this.#parts = parts;
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** 0 to 1 while loading. */
  get progress(): number | undefined {
    return this.#loading === undefined ? undefined : this.#progress;
  }

  get problem(): Problem | undefined {
    return this.#problem?.toProblem();
  }

  get state(): HostState {
    if (this.#loading !== undefined) {
      return 'loading';
    }
    if (this.#problem !== undefined) {
      return isOff(this.#problem) ? 'off' : 'error';
    }
    if (this.#engine === undefined) {
      return 'starting';
    }
    if (this.#paused) {
      return 'paused';
    }
    return this.#active > 0 ? 'busy' : 'ready';
  }

  /** Takes settings; loads the model if none was loaded yet, or if the settings have changed. */
  configure(settings: EngineSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    if (before === undefined || JSON.stringify(before) !== JSON.stringify(settings)) {
      this.#load();
    }
  }

  /** Loads the model again: a file that is read with it, its calibration, has changed. */
  reload(): void {
    this.#load();
  }

  pause(): void {
    this.#paused = true;
    this.#parts.onChange();
  }

  /** Ends the pause, and tries again to load a model that could not be loaded. */
  resume(): void {
    this.#paused = false;
    if (this.#problem !== undefined && this.#loading === undefined && this.#settings !== undefined) {
      this.#load();
    }
    this.#parts.onChange();
  }

  /** Frees the memory of the model, until {@link resume}. */
  async unload(): Promise<void> {
    await this.#drop();
    this.#problem = new EngineError('UNLOADED', 'The model was unloaded.');
    this.#parts.onChange();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop();
  }

  /**
   * The engine, when it is loaded.
   * @throws EngineError CANCELLED; PAUSED; whatever keeps it from loading
   */
  async ready(signal: AbortSignal): Promise<Engine> {
    for (;;) {
      throwIfAborted(signal);
      if (this.#paused) {
        throw new EngineError('PAUSED', 'FASA Code is paused.');
      }
      if (this.#loading === undefined) {
        break;
      }
      await doneOrAborted(this.#loading.done, signal);
    }
    if (this.#engine === undefined) {
      throw this.#problem ?? new EngineError('MODEL_NOT_FOUND', 'No model is loaded.');
    }
    return this.#engine;
  }

  /** Runs work; the state is `busy` until it is done. */
  async whileBusy<T>(work: () => Promise<T>): Promise<T> {
    this.#active++;
    this.#parts.onChange();
    try {
      return await work();
    } finally {
      this.#active--;
      this.#parts.onChange();
    }
  }

  #load(): void {
    const settings = this.#settings;
    if (settings === undefined || this.#closed) {
      return;
    }
    const earlier = this.#loading;
    const controller = new AbortController();
    const done = this.#replace(settings, controller, earlier);
    this.#loading = { controller, done };
    this.#progress = 0;
    this.#problem = undefined;
    this.#parts.onChange();
  }

  /** Never rejects: the state says what went wrong. */
  async #replace(settings: EngineSettings, controller: AbortController, earlier: Loading | undefined): Promise<void> {
    earlier?.controller.abort();
    await earlier?.done;
    const old = this.#engine;
    this.#engine = undefined;
    // the chunks of the old engine are given back first
    this.#parts.onChange();
    let failure: EngineError | undefined;
    try {
      await old?.dispose();
      const modelPath = await this.#parts.resolveModel(settings.modelPath, controller.signal);
      throwIfAborted(controller.signal);
      this.#parts.log.info(`Loading ${modelPath}`);
      const started = performance.now();
      const engine = await this.#parts.createEngine({
        ...settings,
        modelPath,
        signal: controller.signal,
        onProgress: (share) => {
          this.#progress = share;
          this.#parts.onChange();
        },
      });
      if (controller.signal.aborted) {
        await engine.dispose();
        throw cancelled();
      }
      this.#engine = engine;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      this.#parts.log.info(`Loaded ${engine.model.name} (${engine.model.architecture}) in ${seconds} s`);
    } catch (error) {
      failure = toEngineError(error);
    }
    if (this.#loading?.controller === controller) {
      this.#loading = undefined;
      if (failure !== undefined && !isCancelled(failure)) {
        this.#problem = failure;
        const { code, message, remedy } = failure.toProblem();
        this.#parts.log.error(`${code}: ${message} ${remedy}`);
      }
      this.#parts.onChange();
    }
  }

  async #drop(): Promise<void> {
    const loading = this.#loading;
    loading?.controller.abort();
    await loading?.done;
    this.#loading = undefined;
    const engine = this.#engine;
    this.#engine = undefined;
    this.#parts.onChange();
    await engine?.dispose();
  }
}

/** Where there is no model, nothing is wrong. */
function isOff(problem: EngineError): boolean {
  return problem.code === 'MODEL_NOT_FOUND' || problem.code === 'UNLOADED';
}
