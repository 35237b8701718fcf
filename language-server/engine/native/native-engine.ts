/** The engine on the native addon: one model, and one KV cache per sequence, created on first use. */

import os from 'node:os';
import { linkSignals } from '../../base/cancellable';
import { EngineError, throwIfAborted, toEngineError } from '../../base/errors';
import { BackgroundCalibrator } from '../calibration/background-calibrator';
import { type CalibrationFile, findCalibration, ownCalibrationFile } from '../calibration/calibration';
import { chooseDevice, chooseThreads } from '../devices';
import type {
  AttentionMode,
  Engine,
  EngineCalibration,
  EngineDevice,
  EngineFactory,
  EngineMeasurement,
  EngineOptions,
  Generation,
  GenerationRequest,
  RetrievedChunk,
  SequenceName,
} from '../engine';
import { checkMemory, memoryAvailable } from '../memory';
import type {
  NativeAddon,
  NativeContext,
  NativeContextUsage,
  NativeDevice,
  NativeModel,
  NativeModelInfo,
} from './addon';
import { checkFits, GenerationRun } from './generation-run';
import { inspectModel, withFileName } from './inspect';
import { loadAddon } from './load-addon';
import { checkMeasurable, measureContext } from './measure-context';
import { chunkTokens, NativeChunkEncoder } from './native-chunk-encoder';

export const defaultBudget = 256;
/** Default maximum of context tokens: what the default model was trained for. */
export const maxDefaultContext = 8192;
/** For `auto`: FASA and dense steps are equally fast at about 1,000 cached tokens, and here FASA is faster (docs/benchmarks.md). */
export const autoFasaFromTokens = 1536;

/**
 * A cancelled request loses its current micro-batch, so these are small; on CPUs, larger ones are no faster (measured from 64 to
 * 512 tokens).
 */
const microBatchTokens = 128;

/** Higher priorities run first on the engine thread. */
const priorities: Readonly<Record<SequenceName, number>> = { inline: 10, chat: 1 };
/** Work ahead of time: after all requests, before encoding. */
const backgroundPriority = -1;

/** @throws EngineError with any code that loading can have; OUT_OF_MEMORY before anything is allocated */
export const createNativeEngine: EngineFactory = async (options) => {
  throwIfAborted(options.signal);
  const addon = loadAddon();
  const info = inspectModel(addon, options.modelPath);
  try {
    const calibration = options.attention === 'dense' ? undefined : await findCalibration(info);
    const window = options.store === undefined || calibration === undefined ? 0 : chunkTokens;
    const contextTokens = chooseContextTokens(info, options.contextTokens, window);
    checkMemory(info, contextTokens, memoryAvailable());
    if ((options.attention === 'fasa-c' || options.attention === 'fasa-m') && calibration === undefined) {
      throw missingCalibration(info);
    }
    const device = chooseDevice(addon.devices(), options.device);
    const model = await loadModel(addon, info.path, device, options);
    return new NativeEngine(addon, model, device, contextTokens, calibration, options);
  } catch (error) {
    throw withFileName(error, info.path);
  }
};

/**
 * For 0 or nothing: the trained context without the positions of chunks, up to {@link maxDefaultContext}.
 * @param window positions between anchor and tail
 */
export function chooseContextTokens(
  info: Pick<NativeModelInfo, 'trainedContext'>,
  asked: number | undefined,
  window = 0,
): number {
  const trained = Math.max(info.trainedContext - window, Math.ceil(info.trainedContext / 2));
  return asked !== undefined && asked > 0 ? asked : Math.min(trained, maxDefaultContext);
}

function missingCalibration(info: NativeModelInfo): EngineError {
  return new EngineError('BAD_CALIBRATION', `There is no calibration file for ${info.name} (${info.fingerprint}).`, {
    remedy: 'Make one with the calibrate command, or set attention to auto or dense.',
  });
}

async function loadModel(
  addon: NativeAddon,
  file: string,
  device: NativeDevice | undefined,
  options: EngineOptions,
): Promise<NativeModel> {
  const place = device === undefined ? {} : { device: device.name };
  const task = addon.loadModel({ path: file, ...place }, (share) => options.onProgress?.(share));
  const abort = () => task.cancel();
  options.signal?.addEventListener('abort', abort);
  try {
    const model = await task.promise;
    if (options.signal?.aborted === true) {
      model.dispose();
    }
    throwIfAborted(options.signal);
    return model;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

class NativeEngine implements Engine {
  readonly contextTokens: number;
  readonly attention: { readonly mode: AttentionMode; readonly budget: number; readonly calibrated: boolean };
  readonly #addon: NativeAddon;
  readonly #model: NativeModel;
  /** undefined: the CPU. */
  readonly #gpu: NativeDevice | undefined;
  readonly #calibration: CalibrationFile | undefined;
  readonly #threads: number;
  readonly #contexts = new Map<SequenceName, NativeContext>();
  readonly #runs = new Map<Promise<Generation>, { readonly priority: number; readonly run: GenerationRun }>();
  readonly #closing = new AbortController();
  readonly #chunkEncoder: NativeChunkEncoder | undefined;
  readonly #lastChunks = new Map<SequenceName, readonly RetrievedChunk[]>();
  readonly #calibrator: BackgroundCalibrator | undefined;
  #calibrated: NativeModel | undefined;
  #measuring: AbortController | undefined;

  constructor(
    addon: NativeAddon,
    model: NativeModel,
    gpu: NativeDevice | undefined,
    contextTokens: number,
    calibration: CalibrationFile | undefined,
    options: EngineOptions,
  ) {
    this.#addon = addon;
    this.#model = model;
    this.#gpu = gpu;
    this.#calibration = calibration;
    this.#threads = chooseThreads(options.threads);
    this.contextTokens = contextTokens;
    const budget = options.budget !== undefined && options.budget > 0 ? options.budget : defaultBudget;
    this.attention = { mode: options.attention ?? 'auto', budget, calibrated: calibration !== undefined };
    if (calibration === undefined && this.attention.mode === 'auto') {
      this.#calibrator = new BackgroundCalibrator({
        model: () => this.#modelOnCpu(),
        quiet: () => Promise.allSettled([...this.#runs.keys()]),
        file: ownCalibrationFile(model.info),
      });
    }
    // only the CPU encodes and reads chunks
    if (options.store !== undefined && calibration !== undefined && gpu === undefined) {
      const tier = options.attention === 'fasa-c' ? 'fasa-c' : 'fasa-m';
      const { store } = options;
      const inUse = () => [...this.#lastChunks.values()].flat();
      this.#chunkEncoder = new NativeChunkEncoder({ model, calibration, threads: this.#threads, tier, store, inUse });
    }
  }

  get calibration(): EngineCalibration | undefined {
    return this.#calibrator;
  }

  /** Calibration observes the graph on the CPU, so a model on a GPU is loaded a second time. */
  async #modelOnCpu(): Promise<NativeModel> {
    if (this.#gpu === undefined) {
      return this.#model;
    }
    this.#calibrated ??= await this.#addon.loadModel({ path: this.#model.info.path }, () => {}).promise;
    return this.#calibrated;
  }

  get chunks(): NativeChunkEncoder | undefined {
    return this.#chunkEncoder;
  }

  get model(): NativeModelInfo {
    return this.#model.info;
  }

  get device(): EngineDevice {
    const gpu = this.#gpu;
    if (gpu !== undefined) {
      const { memoryFree, memoryTotal } = this.#addon.devices().find(({ name }) => name === gpu.name) ?? gpu;
      return { kind: gpu.kind, name: gpu.description, threads: this.#threads, memoryFree, memoryTotal };
    }
    const cpu = this.#addon.devices().find((device) => device.kind === 'cpu');
    return {
      kind: 'cpu',
      name: cpu?.description ?? os.cpus()[0]?.model ?? 'CPU',
      threads: this.#threads,
      memoryFree: os.freemem(),
      memoryTotal: os.totalmem(),
    };
  }

  tokenize(text: string): Int32Array {
    return this.#model.tokenize(text, false);
  }

  tokenizeTemplate(text: string): Int32Array {
    return this.#model.tokenize(text, true);
  }

  async generate(request: GenerationRequest): Promise<Generation> {
    throwIfAborted(request.signal);
    if (this.#closing.signal.aborted) {
      throw new EngineError('DISPOSED', 'The model was unloaded.');
    }
    checkFits(request.tokens.length, this.contextTokens);
    this.#measuring?.abort();
    this.#lastChunks.set(request.sequence, request.chunks ?? []);
    const priority = request.background === true ? backgroundPriority : priorities[request.sequence];
    const { signal, release } = linkSignals(
      request.signal === undefined ? [this.#closing.signal] : [this.#closing.signal, request.signal],
    );
    const run = new GenerationRun(
      this.#context(request.sequence),
      this.#model,
      {
        ...request,
        maxTokens: Math.min(request.maxTokens, this.contextTokens - request.tokens.length),
        signal,
      },
      {
        attention: this.attention.mode,
        budget: this.attention.budget,
        fasaFromTokens: this.fasaFromTokens ?? 0,
        priority,
      },
      this.#chunkEncoder,
    );
    const promise = run.run();
    this.#runs.set(promise, { priority, run });
    this.#preemptLowerPriority(priority);
    this.#chunkEncoder?.preempt();
    this.#calibrator?.preempt();
    try {
      return await promise;
    } catch (error) {
      throw toEngineError(error);
    } finally {
      release();
      this.#runs.delete(promise);
    }
  }

  get fasaFromTokens(): number | undefined {
    if (this.#calibration === undefined || this.attention.mode === 'dense') {
      return undefined;
    }
    return this.attention.mode === 'auto' ? autoFasaFromTokens : 0;
  }

  async measure(sequence: SequenceName, signal: AbortSignal): Promise<EngineMeasurement> {
    const { budget } = this.attention;
    if (this.#calibration === undefined) {
      throw missingCalibration(this.model);
    }
    checkMeasurable(this.usage(sequence).tokens + (this.#chunkEncoder?.inUse.tokens ?? 0), budget);
    const context = this.#context(sequence);
    const own = new AbortController();
    this.#measuring = own;
    const linked = linkSignals([signal, own.signal, this.#closing.signal]);
    try {
      return await measureContext(context, budget, linked.signal);
    } catch (error) {
      if (toEngineError(error).code === 'BAD_CHUNK') {
        // a file was truncated: the owner of the chunk is told
        this.#chunkEncoder?.intact([...this.#lastChunks.values()].flat());
      }
      throw error;
    } finally {
      linked.release();
      this.#measuring = this.#measuring === own ? undefined : this.#measuring;
    }
  }

  usage(sequence: SequenceName): NativeContextUsage {
    const context = this.#contexts.get(sequence);
    return (
      context?.usage() ?? {
        tokens: 0,
        contextTokens: this.contextTokens,
        fullBytes: 0,
        fastBytes: 0,
        slowBytes: 0,
        importanceBytes: 0,
      }
    );
  }

  async dispose(): Promise<void> {
    this.#closing.abort();
    this.#calibrator?.close();
    await Promise.allSettled([...this.#runs.keys()]);
    for (const context of this.#contexts.values()) {
      context.dispose();
    }
    this.#contexts.clear();
    this.#chunkEncoder?.dispose();
    this.#calibrated?.dispose();
    this.#model.dispose();
  }

  #context(sequence: SequenceName): NativeContext {
    let context = this.#contexts.get(sequence);
    if (context === undefined) {
      context = this.#model.createContext({
        contextTokens: this.contextTokens,
        threads: this.#threads,
        microBatch: microBatchTokens,
        ...(this.#gpu === undefined ? {} : { tier: this.attention.mode === 'fasa-m' ? 'fasa-m' : 'fasa-c' }),
        ...(this.#calibration === undefined ? {} : { calibration: this.#calibration }),
        ...(this.#chunkEncoder === undefined ? {} : { composition: this.#chunkEncoder.composition }),
      });
      this.#contexts.set(sequence, context);
    }
    return context;
  }

  /** Makes less urgent work yield to what was just queued. */
  #preemptLowerPriority(priority: number): void {
    for (const other of this.#runs.values()) {
      if (other.priority < priority) {
        other.run.preempt();
      }
    }
  }
}
