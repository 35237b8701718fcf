/** The interface of the engine that the rest of the language server uses: one model, a few sequences, generations. */

import type { NativeAttention, NativeContextUsage, NativeModelInfo } from './native/addon';
import type { NativeGenerationStats, NativeSampling } from './native/addon-generation';

/** Each sequence has its own KV, so that one never evicts the other's. */
export type SequenceName = 'inline' | 'chat';

export type AttentionMode = NativeAttention;

export interface GenerationRequest {
  readonly sequence: SequenceName;
  /** The whole prompt, special tokens included. Longest common prefix with the sequence's KV is reused. */
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly sampling: NativeSampling;
  /** Tokens that end the generation, in addition to the model's end-of-generation tokens. */
  readonly stopTokens?: readonly number[];
  readonly signal?: AbortSignal;
  /** Valid UTF-8 text as it grows; return 'stop' to end the generation after this token. */
  readonly onText?: (delta: string, whole: string) => 'continue' | 'stop';
  readonly onProgress?: (fedTokens: number, totalTokens: number) => void;
  /** Retrieved chunks that the request reads beside its tokens, which then begin with {@link ChunkEncoder.anchor}. */
  readonly chunks?: readonly RetrievedChunk[];
  /** The request is made ahead of time: it runs after every request that a person waits for, of any sequence. */
  readonly background?: boolean;
  /** Asks for {@link Generation.attention}. */
  readonly countAttention?: boolean;
}

/** A chunk whose keys and values are ready to be read. */
export interface EncodedChunk {
  readonly address: string;
  readonly tokens: number;
  /** Bytes in memory: importance keys, and rows where they are not offloaded. */
  readonly fastBytes: number;
  /** Bytes on disk. */
  readonly slowBytes: number;
  /** Gives the chunk back. Requests that read it keep it alive. */
  dispose(): void;
}

export interface RetrievedChunk {
  readonly chunk: EncodedChunk;
  /**
   * Added to the predicted logits of its tokens; biases token selection only. 0 for the most relevant chunk, less for
   * others.
   */
  readonly prior: number;
}

/**
 * Attention mass of the decoded tokens, in blocks of {@link attentionBlockTokens} tokens: shares of the mass on all tokens
 * that they read beside the anchor and the newest ones. The shares add up to at most 1.
 */
export interface Attention {
  readonly chunks: readonly ChunkAttention[];
  /**
   * Shares of the sequence's own tokens: block i begins at i times {@link attentionBlockTokens}; the answer's blocks come
   * after the prompt's. Empty where attention is not counted: on a GPU.
   */
  readonly own: Float32Array;
}

/** Shares of the blocks of a chunk's tokens; none where they are not counted. */
interface ChunkAttention {
  readonly chunk: EncodedChunk;
  readonly shares: Float32Array;
}

export const attentionBlockTokens = 16;

export interface Generation {
  readonly text: string;
  readonly tokens: number;
  readonly reason: 'length' | 'stop-token' | 'stopped' | 'context-full';
  readonly stats: NativeGenerationStats;
  readonly attention?: Attention;
}

/** Which chunks a request retrieves, and how their relevance counts. */
export interface CompositionPolicy {
  /**
   * Taken from the predicted logits of a chunk's tokens for each standard deviation that it is below the best chunk.
   */
  readonly priorStrength: number;
  /**
   * Tokens of one request's chunks; the most relevant where there are more. A decode step reads importance keys of all.
   */
  readonly maxTokens: number;
}

/**
 * Encodes chunks and keeps them, by content. Absent from an engine with dense attention: without a calibration, or with
 * attention `dense`.
 */
export interface ChunkEncoder {
  /** The first tokens of every prompt that reads chunks. */
  readonly anchor: Int32Array;
  /** Maximum tokens of one chunk, path line included. */
  readonly chunkTokens: number;
  /** Bytes of one token: as f16 keys and values, as it is in memory, and as it is on disk. */
  readonly bytesPerToken: { readonly full: number; readonly fast: number; readonly disk: number };
  /** The policy of the model's calibration. */
  readonly policy: CompositionPolicy;
  /** The name of a chunk: the same model, layout, anchor and tokens give the same address. */
  address(tokens: Int32Array): string;
  /**
   * Takes a chunk from the store on disk and verifies it; undefined: it is not there, or not usable (which is logged).
   */
  open(address: string, signal: AbortSignal): Promise<EncodedChunk | undefined>;
  /**
   * Encodes in the background: every request preempts it within a micro-batch. The chunks are in the store afterwards (a
   * store that cannot be written is logged once, and then they stay in memory).
   * @throws EngineError CANCELLED (what was complete is kept), OUT_OF_MEMORY, ...
   */
  encode(
    chunks: readonly Int32Array[],
    signal: AbortSignal,
    onProgress?: (tokens: number) => void,
  ): Promise<readonly EncodedChunk[]>;
  /** What the store has of this model, for all repositories. */
  readonly disk: { readonly chunks: number; readonly bytes: number; readonly maxBytes: number };
  /**
   * Is called with a chunk whose file was cut short or replaced: no request reads it any more, and it has to be opened
   * again.
   */
  onLost?: ((chunk: EncodedChunk) => void) | undefined;
  /** Empties the store; answers the bytes freed. Retrieved chunks stay usable. */
  clearDisk(): Promise<number>;
  /** The chunks that the last requests of the sequences read, each counted once. */
  readonly inUse: {
    readonly tokens: number;
    readonly fullBytes: number;
    readonly fastBytes: number;
    readonly slowBytes: number;
  };
}

/** Where encoded chunks are kept. */
export interface StoreOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly rowType: 'f16' | 'q8_0';
  /** Is called with a sentence for the log. */
  readonly onProblem?: (message: string) => void;
}

/** Figures of FASA and dense steps over the tokens that a sequence has cached. */
export interface EngineMeasurement {
  /** Cached tokens at the first step. */
  readonly atTokens: number;
  /** Medians. */
  readonly fasaMsPerToken: number;
  readonly denseMsPerToken: number;
  /** KL divergence of each FASA step's next-token distribution from the dense one, in nats. */
  readonly kl: readonly number[];
  /** How many steps have the same most likely token. */
  readonly agreeing: number;
}

export interface CalibrationRun {
  readonly documents: readonly Int32Array[];
  /** What the documents are, in words. */
  readonly corpus: string;
  readonly signal: AbortSignal;
  /** Share done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export interface EngineCalibration {
  /**
   * Calibrates the model and writes the file where the next load finds it. Requests preempt it; a run after one that was
   * ended goes on after its last whole document.
   * @throws EngineError CANCELLED; TOO_SLOW; ...
   */
  run(run: CalibrationRun): Promise<void>;
}

export interface EngineDevice {
  readonly kind: 'cpu' | 'gpu' | 'accelerator';
  readonly name: string;
  readonly threads: number;
  /** Bytes of the device's memory; for the CPU, of the machine's. */
  readonly memoryFree: number;
  readonly memoryTotal: number;
}

export interface Engine {
  readonly model: NativeModelInfo;
  readonly device: EngineDevice;
  /** Maximum tokens of a sequence. */
  readonly contextTokens: number;
  readonly attention: { readonly mode: AttentionMode; readonly budget: number; readonly calibrated: boolean };
  /** Absent where attention is dense: then no request reads chunks. */
  readonly chunks?: ChunkEncoder | undefined;
  /** Present for a model that has no calibration and could use one. */
  readonly calibration?: EngineCalibration | undefined;
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
   * Makes a few steps of each kind after all requests; any request ends measuring at once.
   * @throws EngineError CANCELLED; BAD_CALIBRATION; TOO_FEW_TOKENS
   */
  measure(sequence: SequenceName, signal: AbortSignal): Promise<EngineMeasurement>;
  dispose(): Promise<void>;
}

export interface EngineOptions {
  readonly modelPath: string;
  readonly contextTokens?: number;
  readonly threads?: number;
  /** `auto` (default), `cpu`, or the name of a GPU. */
  readonly device?: string;
  readonly attention?: AttentionMode;
  readonly budget?: number;
  /** Absent: no chunks are encoded or read. */
  readonly store?: StoreOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

/** What decides which engine is loaded: when one of them changes, the model is loaded again. */
export type EngineSettings = Omit<EngineOptions, 'signal' | 'onProgress'>;

/** How the server gets an engine: the real one loads the addon, tests bring a fake one. */
export type EngineFactory = (options: EngineOptions) => Promise<Engine>;
