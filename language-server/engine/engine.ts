/** The interface of the engine that the rest of the language server uses: one model, a few sequences, generations. */

import type {
  NativeAttention,
  NativeContextUsage,
  NativeGenerationStats,
  NativeModelInfo,
  NativeSampling,
} from './native/addon';

/** Each sequence has its own KV cache, so that one never evicts the other's. */
export type SequenceName = 'inline' | 'chat';

export type AttentionMode = NativeAttention;

export interface GenerationRequest {
  readonly sequence: SequenceName;
  /** The whole prompt, special tokens included. The longest common prefix with the sequence's KV cache is reused. */
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly sampling: NativeSampling;
  /** Tokens that end the generation, in addition to the model's end-of-generation tokens. */
  readonly stopTokens?: readonly number[];
  readonly signal?: AbortSignal;
  /** Gets valid UTF-8 text as it grows; 'stop' ends the generation after this token. */
  readonly onText?: (delta: string, whole: string) => 'continue' | 'stop';
  readonly onProgress?: (fedTokens: number, totalTokens: number) => void;
  /** Retrieved chunks that the request reads beside its tokens, which then begin with {@link ChunkEncoder.anchor}. */
  readonly chunks?: readonly RetrievedChunk[];
  /** Work ahead of time: it runs after every request that a person waits for, of any sequence. */
  readonly background?: boolean;
  /** Asks for {@link Generation.attention}. */
  readonly countAttention?: boolean;
}

/** A chunk whose keys and values are ready to be read. */
export interface EncodedChunk {
  readonly address: string;
  readonly tokens: number;
  /** Bytes in memory: importance keys, and the rows if they are in memory, too. */
  readonly fastBytes: number;
  /** Bytes on disk: the rows if they are mapped. */
  readonly slowBytes: number;
  /** Gives the chunk back. Requests that read the chunk keep it alive. */
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
 * Attention mass of the decoded tokens on blocks of {@link attentionBlockTokens} tokens, as shares of the mass on all selected
 * tokens except the anchor and the recent window. Together at most 1.
 */
export interface Attention {
  readonly chunks: readonly ChunkAttention[];
  /**
   * Shares of the sequence's own tokens: block i begins at token i times {@link attentionBlockTokens}, and those of the
   * answer come after those of the prompt. Empty on a GPU, where attention is not counted.
   */
  readonly own: Float32Array;
}

/** Shares of the blocks of a chunk; empty where attention is not counted. */
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
  /** Subtracted from the predicted logits of a chunk's tokens per standard deviation of relevance below the best chunk. */
  readonly priorStrength: number;
  /** Maximum tokens of a request's retrieved chunks, the most relevant first. A decode step reads all their importance keys. */
  readonly maxTokens: number;
}

/**
 * Encodes chunks and stores them by content. Absent from an engine with dense attention only: without a calibration, or with
 * attention `dense`.
 */
export interface ChunkEncoder {
  /** The first tokens of every prompt with chunks. */
  readonly anchor: Int32Array;
  /** Maximum tokens of a chunk, including its path line. */
  readonly chunkTokens: number;
  /** Bytes of one token: in a dense f16 cache, in memory, and on disk. */
  readonly bytesPerToken: { readonly full: number; readonly fast: number; readonly disk: number };
  /** The policy of the model's calibration. */
  readonly policy: CompositionPolicy;
  /** Identifies a chunk: the same model, layout, anchor and tokens give the same address. */
  address(tokens: Int32Array): string;
  /** Opens a chunk from the store, verified; undefined if it has to be encoded (an unusable file is logged). */
  open(address: string, signal: AbortSignal): Promise<EncodedChunk | undefined>;
  /**
   * Encodes in the background: every request preempts it within a micro-batch. Afterwards the chunks are in the store; if it
   * cannot be written, that is logged once, and they stay in memory.
   * @throws EngineError CANCELLED (complete chunks are kept), OUT_OF_MEMORY, ...
   */
  encode(
    chunks: readonly Int32Array[],
    signal: AbortSignal,
    onProgress?: (tokens: number) => void,
  ): Promise<readonly EncodedChunk[]>;
  /** The contents of the store, for all repositories of this model. */
  readonly disk: { readonly chunks: number; readonly bytes: number; readonly maxBytes: number };
  /** Called with a chunk whose file was truncated or replaced: no request reads it any longer, and it has to be opened again. */
  onLost?: ((chunk: EncodedChunk) => void) | undefined;
  /** Empties the store; answers the bytes freed. Retrieved chunks stay usable. */
  clearDisk(): Promise<number>;
  /** Chunks that the sequences' last requests retrieved, each counted once. */
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
  /** Gets one sentence for the log. */
  readonly onProblem?: (message: string) => void;
}

/** A comparison of FASA and dense steps over the cached tokens of a sequence. */
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
   * Calibrates the model and writes the file where the next load finds it. Requests preempt it. A run after one that was
   * interrupted resumes after its last complete document.
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
  /** For text of files and users: special tokens are plain text. Adds no BOS. */
  tokenize(text: string): Int32Array;
  /** For text of templates: special tokens are parsed. */
  tokenizeTemplate(text: string): Int32Array;
  /** Rejects with an EngineError; CANCELLED when the signal aborts, in the queue, in prefill or in decode. */
  generate(request: GenerationRequest): Promise<Generation>;
  usage(sequence: SequenceName): NativeContextUsage;
  /** The number of cached tokens from which on steps are sparse; undefined if they never are (dense, or no calibration). */
  readonly fasaFromTokens: number | undefined;
  /**
   * Runs a few steps of each kind, after all requests; any new request ends it at once.
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
  /** Without it, no chunks are encoded or read. */
  readonly store?: StoreOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

/** What decides which engine is loaded: when one of them changes, the model is loaded again. */
export type EngineSettings = Omit<EngineOptions, 'signal' | 'onProgress'>;

/** How the server gets an engine: the real factory loads the addon, and tests use a fake one. */
export type EngineFactory = (options: EngineOptions) => Promise<Engine>;
