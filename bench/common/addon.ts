/**
 * The laboratory's addon, dist/native/bench-addon.node: all that the product's is, and what tests and benchmarks need besides
 * (`bench/native/addon.cc`). Objects of one addon are unknown to the other.
 */

import path from 'node:path';
import type { CommandLine } from '../../language-server/cli/arguments';
import { type OpenModel, withModel } from '../../language-server/cli/open-model';
import type { Output } from '../../language-server/cli/output';
import type {
  NativeAddon,
  NativeAttention,
  NativeContext,
  NativeContextOptions,
  NativeLoadOptions,
  NativeModel,
  NativeRepository,
  NativeTask,
} from '../../language-server/engine/native/addon';
import { addonPath, openAddon } from '../../language-server/engine/native/load-addon';

interface EvaluateOptions {
  readonly tokens: Int32Array;
  /** Logits are returned for positions >= from. */
  readonly from: number;
  /** Positions >= from one by one (each attending by `attention`), instead of dense micro-batches. */
  readonly stepwise: boolean;
  readonly attention: NativeAttention;
  readonly budget: number;
  readonly fasaFromTokens: number;
  /** How sparse steps choose; default `fasa`. The paper's choose their FCs on the tokens before `from`. */
  readonly policy?: ChoicePolicy;
  readonly priority?: number;
  readonly repository?: NativeRepository;
}

/** FASA, and what evaluation compares it with: bench/native/policy.h says what each is. */
export type ChoicePolicy = 'fasa' | 'fasa-f16' | 'oracle' | 'paper' | 'paper-kv' | 'quest' | 'streaming';

interface StepTimingOptions {
  /** Prefilled first, at least 2. */
  readonly tokens: Int32Array;
  /** Cached tokens at the first step; beyond `tokens` their rows are repeated, so the text means nothing. */
  readonly depth: number;
  readonly steps: number;
  readonly attention: NativeAttention;
  readonly budget: number;
  readonly fasaFromTokens: number;
  readonly priority?: number;
}

export interface StepTiming {
  /** Wall time of each step: graph, weights, attention, logits. */
  readonly stepMs: readonly number[];
  readonly bytesReadPerToken: number;
  readonly fasaSteps: number;
  /** Means of a step on one thread of the pool. Dense steps are FAC over all tokens where that is faster than ggml's. */
  readonly tipMs: number;
  readonly selectionMs: number;
  readonly facMs: number;
}

/** libllama over the same file: what our graph is compared with, in tests and benchmarks alone. */
export interface Reference {
  /** As LaboratoryContext.evaluate with stepwise false and dense attention. */
  evaluate(tokens: Int32Array, from: number): NativeTask<Float32Array>;
  /** Milliseconds of decode steps, as LaboratoryContext.timeSteps. */
  timeSteps(options: { tokens: Int32Array; depth: number; steps: number }): NativeTask<number[]>;
  /** Milliseconds of prefilling an empty cache with the tokens. */
  timePrefill(tokens: Int32Array): NativeTask<number>;
  dispose(): void;
}

interface ReferenceOptions {
  readonly contextTokens: number;
  readonly threads: number;
  /** q8_0 keys and values; default f16. */
  readonly q8Cache?: boolean;
  /** Default true; a q8_0 cache needs it. */
  readonly flashAttention?: boolean;
}

/** Attention alone, on random keys and values: `bench decode --synthetic`. */
interface AttentionOptions {
  readonly headSize: number;
  readonly kvHeads: number;
  /** Query heads of a KV head. */
  readonly group: number;
  /** Cached tokens. */
  readonly depth: number;
  readonly budget: number;
  readonly dominantFcs: number;
  readonly threads: number;
  readonly turns: number;
}

/** Milliseconds of one layer, a number a turn; the layers are more than caches hold. */
export interface AttentionTiming {
  /** Dense, by ggml's fused kernel. */
  readonly flashMs: readonly number[];
  /** Dense, by FAC over all tokens. */
  readonly exactMs: readonly number[];
  readonly fasaMs: readonly number[];
  /** Means on the first thread. */
  readonly tipMs: number;
  readonly selectionMs: number;
  readonly facMs: number;
  /** Read in one layer of a step. */
  readonly denseBytes: number;
  readonly fasaBytes: number;
}

export interface LaboratoryContext extends NativeContext {
  /** Teacher-forced logits, row major [tokens.length - from, vocabulary]: row i predicts the token after from + i. */
  evaluate(options: EvaluateOptions): NativeTask<Float32Array>;
  /** Times decode steps at a depth; the context keeps the tokens prefilled. */
  timeSteps(options: StepTimingOptions): NativeTask<StepTiming>;
}

export interface LaboratoryModel extends NativeModel {
  createContext(options: NativeContextOptions): LaboratoryContext;
}

export interface LaboratoryAddon extends NativeAddon {
  loadModel(options: NativeLoadOptions, onProgress: (share: number) => void): NativeTask<LaboratoryModel>;
  loadReference(path: string, options: ReferenceOptions): NativeTask<Reference>;
  timeAttention(options: AttentionOptions): NativeTask<AttentionTiming>;
}

let loaded: LaboratoryAddon | undefined;

export function laboratoryAddonPath(): string {
  return path.join(path.dirname(addonPath()), 'bench-addon.node');
}

/**
 * With its CPU library loaded; once per process.
 * @throws EngineError ADDON_MISSING, ADDON_BROKEN, BACKEND
 */
export function loadLaboratoryAddon(): LaboratoryAddon {
  loaded ??= openAddon(laboratoryAddonPath()) as LaboratoryAddon;
  return loaded;
}

/** A model file opened by the laboratory's addon. */
export interface LaboratoryOpenModel extends OpenModel {
  readonly addon: LaboratoryAddon;
  readonly model: LaboratoryModel;
}

/** What {@link loadLaboratoryAddon} opened is of its kind. */
export function asLaboratory(opened: OpenModel): LaboratoryOpenModel {
  return opened as LaboratoryOpenModel;
}

/** @throws EngineError of every loading code */
export function withLaboratoryModel<T>(
  line: CommandLine,
  output: Output,
  signal: AbortSignal,
  work: (opened: LaboratoryOpenModel) => Promise<T>,
): Promise<T> {
  return withModel(line, output, signal, (opened) => work(asLaboratory(opened)), loadLaboratoryAddon());
}
