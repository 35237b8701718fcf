/** The face of the engine that the rest of the language server knows: one model, a few sequences, generations. */

import type {
  NativeAttention,
  NativeContextUsage,
  NativeGenerationStats,
  NativeModelInfo,
  NativeSampling,
} from './addon';

/** Each sequence has its own KV, so that one never evicts the other's. */
export type SequenceName = 'inline' | 'chat';

export type AttentionMode = NativeAttention;

export interface GenerationRequest {
  readonly sequence: SequenceName;
  /** The whole prompt, special tokens included. Longest common prefix with the sequence's KV is reused. */
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly sampling: NativeSampling;
  /** In addition to the model's end-of-generation tokens. */
  readonly stopTokens?: readonly number[];
  readonly signal?: AbortSignal;
  /** Valid UTF-8 text as it grows; return 'stop' to end the generation after this token. */
  readonly onText?: (delta: string, whole: string) => 'continue' | 'stop';
  readonly onProgress?: (fedTokens: number, totalTokens: number) => void;
}

export interface Generation {
  readonly text: string;
  readonly tokens: number;
  readonly reason: 'length' | 'stop-token' | 'stopped' | 'context-full';
  readonly stats: NativeGenerationStats;
}

/** FASA and dense steps over the tokens that a sequence has cached. */
export interface EngineMeasurement {
  /** Cached tokens at the first step. */
  readonly atTokens: number;
  /** Medians. */
  readonly fasaMsPerToken: number;
  readonly denseMsPerToken: number;
  /** Of each FASA step's next-token distribution to the dense one, in nats. */
  readonly kl: readonly number[];
  /** Steps with the same most likely token. */
  readonly agreeing: number;
}

export interface EngineDevice {
  readonly kind: 'cpu' | 'gpu' | 'accelerator';
  readonly name: string;
  readonly threads: number;
  /** Bytes; of the machine's memory for the CPU. */
  readonly memoryFree: number;
  readonly memoryTotal: number;
}

export interface Engine {
  readonly model: NativeModelInfo;
  readonly device: EngineDevice;
  /** Most tokens of a sequence. */
  readonly contextTokens: number;
  readonly attention: { readonly mode: AttentionMode; readonly budget: number; readonly calibrated: boolean };
  /** Text of files and users: special tokens are plain text. No BOS is added. */
  tokenize(text: string): Int32Array;
  /** Text of templates: special tokens are parsed. */
  tokenizeTemplate(text: string): Int32Array;
  /** Rejects with an EngineError; CANCELLED when the signal aborts, in the queue, in prefill or in decode. */
  generate(request: GenerationRequest): Promise<Generation>;
  usage(sequence: SequenceName): NativeContextUsage;
  /** Cached tokens from which on steps are sparse; undefined: never (dense, or no calibration). */
  readonly fasaFromTokens: number | undefined;
  /**
   * A few steps of each kind, behind all requests; any request ends it at once.
   * @throws EngineError CANCELLED; BAD_CALIBRATION; TOO_FEW_TOKENS
   */
  measure(sequence: SequenceName, signal: AbortSignal): Promise<EngineMeasurement>;
  dispose(): Promise<void>;
}

export interface EngineOptions {
  readonly modelPath: string;
  readonly contextTokens?: number;
  readonly threads?: number;
  readonly attention?: AttentionMode;
  readonly budget?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

/** How the server gets an engine: the real one loads the addon, tests bring a fake one. */
export type EngineFactory = (options: EngineOptions) => Promise<Engine>;
