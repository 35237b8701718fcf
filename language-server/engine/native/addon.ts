/**
 * The typed surface of the native addon (`native/addon/addon.cc`). Nothing here runs: the loader is `load-addon.ts`.
 *
 * Every failure is an Error whose `code` is one of `nativeErrorCodes` (base/errors.ts). Long work runs on the addon's own engine
 * thread and comes back as a {@link NativeTask}; nothing blocks the event loop and nothing uses libuv's workers.
 */

/** Work on the engine thread. Tasks run one at a time, by priority, then in the order of their start. */
export interface NativeTask<T> {
  readonly promise: Promise<T>;
  /** Ends the task at once, queued or running: the promise rejects with code CANCELLED. The KV stays usable. */
  cancel(): void;
  /** Ends a generation after the token being computed: the promise resolves with reason `stopped`. */
  stop(): void;
}

export interface NativeDevice {
  readonly name: string;
  readonly description: string;
  readonly kind: 'cpu' | 'gpu' | 'accelerator';
  /** A driver that computes on the CPU: for checks alone. */
  readonly software: boolean;
  /** Bytes. */
  readonly memoryFree: number;
  readonly memoryTotal: number;
}

export interface NativeModelInfo {
  readonly path: string;
  /** For people: of the parts below, of `general.name` or of the file's name (`models/display-name.ts`). */
  readonly name: string;
  /** `general.basename`, `size_label` and `finetune`, where a converter wrote them. */
  readonly baseName?: string;
  readonly sizeLabel?: string;
  readonly finetune?: string;
  readonly architecture: string;
  readonly parameters: number;
  /** The type of most weights, as ggml names it: `q4_1`, `q4_K`, `f16`. */
  readonly quantization: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Hex; the same file gives the same fingerprint (header and sizes, not the path). */
  readonly fingerprint: string;
  readonly trainedContext: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly embedding: number;
  readonly vocabulary: number;
  readonly ropeLayout: 'norm' | 'neox';
  /** f16 K and V of one token over all layers and KV heads. */
  readonly kvBytesPerToken: number;
  /** Jinja source from the GGUF, if it has one. */
  readonly chatTemplate: string | undefined;
  readonly tokens: NativeSpecialTokens;
}

export interface NativeSpecialTokens {
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  /** The vocabulary asks for BOS before a text. */
  readonly addBos: boolean;
  /** All tokens that end a generation (end of sequence, of turn, of text, of a FIM part). */
  readonly endOfGeneration: readonly number[];
  /** Tokens that are markup of prompts and never text. */
  readonly control: readonly number[];
  readonly fimPrefix: number | undefined;
  readonly fimSuffix: number | undefined;
  readonly fimMiddle: number | undefined;
  readonly fimRepository: number | undefined;
  readonly fimSeparator: number | undefined;
}

/** Counts and shapes of a calibration file (docs/calibration.md), already parsed from JSON. */
export interface NativeCalibration {
  /** dominantFcs[layer][kvHead] = ascending FC indices, all of the same length, each below headSize / 2. */
  readonly dominantFcs: readonly (readonly (readonly number[])[])[];
}

/** Where keys and values are: all in memory, or importance keys in memory and rows in a mapped file. */
export type NativeTier = 'fasa-c' | 'fasa-m';

/**
 * A piece of a file, encoded on its own behind the anchor: keys (at the chunk's local positions, from the anchor's end
 * on), values and importance keys of all its tokens. Never changes. Contexts that read it keep it alive.
 */
export interface NativeChunk {
  /** Its own, without the anchor. */
  readonly tokens: number;
  /** Importance keys, and rows where the tier holds them in memory. */
  readonly fastBytes: number;
  /** Rows that lie in a mapped file. */
  readonly slowBytes: number;
  /** Where it is stored. */
  readonly file?: string;
  /** Why it could not be stored, in words; it is in memory then. */
  readonly problem?: string;
  /**
   * False, from then on, once its mapped file was found cut short or replaced: a request that reads it is refused with
   * BAD_CHUNK. Looks at the file, microseconds. False for one that was disposed.
   */
  isIntact(): boolean;
  dispose(): void;
}

interface NativeEncoderOptions {
  /** The first tokens of every context that reads the chunks. */
  readonly anchor: Int32Array;
  readonly threads: number;
  /** Tokens of a micro-batch; default 128. */
  readonly microBatch?: number;
  readonly calibration: NativeCalibration;
  /** Of stored keys and values. */
  readonly rowType: 'f16' | 'q8_0';
  readonly tier: NativeTier;
  /** Most tokens of one chunk. */
  readonly chunkTokens: number;
}

/** What a chunk file must be, or it is refused: 16 to 64 bytes that name model, anchor, layout and text. */
interface NativeChunkSource {
  readonly tokens: Int32Array;
  readonly address: string;
  /** Written whole (temporary file, flush, rename) before the promise settles; absent: memory alone. */
  readonly file?: string;
}

export interface NativeEncoder {
  /**
   * Several chunks share micro-batches; each sees the anchor and itself. onProgress: tokens done of all. Cancelled and asked again, it goes on where it was.
   */
  encode(
    chunks: readonly NativeChunkSource[],
    options: { readonly priority: number },
    onProgress: (tokens: number) => void,
  ): NativeTask<readonly NativeChunk[]>;
  /**
   * Maps a chunk file and verifies all of it.
   * Rejects with FILE_NOT_FOUND, FILE_UNREADABLE, BAD_CHUNK (short, corrupt, foreign: to be encoded again).
   */
  open(file: string, address: string, options: { readonly priority: number }): NativeTask<NativeChunk>;
  dispose(): void;
}

/** Chunks beside the sequence's own tokens: seen by its last `lateTokens` tokens and by all that are decoded. */
export interface NativeRepository {
  readonly chunks: readonly NativeChunk[];
  /** One a chunk: added to the predicted logits of its tokens, for the choice alone. Default 0. */
  readonly priors?: Float32Array;
  /** Added to the logits of chunk tokens in attention. Default 0. */
  readonly bias?: number;
  readonly lateTokens: number;
}

export interface NativeContextOptions {
  /** Most tokens the context can hold. */
  readonly contextTokens: number;
  readonly threads: number;
  /** Tokens of a micro-batch; default 512. */
  readonly microBatch?: number;
  /** Needed for attention `fasa-c`. */
  readonly calibration?: NativeCalibration;
  /** On a GPU: keys and values lie there (`fasa-c`, the default) or in host memory (`fasa-m`). */
  readonly tier?: NativeTier;
  /** The first `anchorTokens` tokens keep positions 0, 1, ...; the others count from `tailPosition` on. For chunks. */
  readonly composition?: { readonly anchorTokens: number; readonly tailPosition: number };
}

export type NativeAttention = 'dense' | 'fasa-c' | 'fasa-m' | 'auto';

export interface NativeContextUsage {
  readonly tokens: number;
  readonly contextTokens: number;
  /** What a dense f16 cache of these tokens takes. */
  readonly fullBytes: number;
  /**
   * What attention keeps in memory for them: K, V and importance keys (with `fasa-m`, importance keys and what was read
   * last).
   */
  readonly fastBytes: number;
  readonly slowBytes: number;
  /** The part of fastBytes that is importance keys. */
  readonly importanceBytes: number;
}

interface NativeMeasureOptions {
  /** At least 2, and so few that more than `budget` cached tokens come before them. */
  readonly steps: number;
  readonly budget: number;
  readonly priority: number;
}

interface NativeMeasurement {
  /** Cached before the first step. */
  readonly tokens: number;
  /** Wall time of each step; the first of each may build its graph. */
  readonly fasaMs: readonly number[];
  readonly denseMs: readonly number[];
  /** Of each FASA step's next-token distribution to the dense one, in nats. */
  readonly kl: readonly number[];
  /** Steps with the same most likely token. */
  readonly agreeing: number;
}

export interface NativeContext {
  generate(options: NativeGenerateOptions, events: NativeGenerateEvents): NativeTask<NativeGenerationResult>;
  /** The last cached tokens once more, with FASA and dense. They stay in the cache, unless it is cancelled. */
  measure(options: NativeMeasureOptions): NativeTask<NativeMeasurement>;
  usage(): NativeContextUsage;
  /** Forgets all tokens, at the end of the queue. */
  clear(): void;
  dispose(): void;
}

export interface NativeModel {
  readonly info: NativeModelInfo;
  /**
   * @param special parse special tokens in the text: for templates only, never for files or users' text.
   * @throws TEXT_TOO_LONG over 4 MiB of text. Adds no BOS.
   */
  tokenize(text: string, special: boolean): Int32Array;
  /** The bytes of a token; may be part of a UTF-8 character. Special tokens give their text. */
  tokenBytes(token: number): Uint8Array;
  createContext(options: NativeContextOptions): NativeContext;
  createEncoder(options: NativeEncoderOptions): NativeEncoder;
  /** Chooses the dominant FCs from documents (each a token sequence); onProgress: share done, 0 to 1. */
  calibrate(
    options: NativeCalibrateOptions,
    onProgress: (share: number) => void,
  ): NativeTask<NativeCalibration & { readonly sums?: Float64Array }>;
  dispose(): void;
}

interface NativeCalibrateOptions {
  readonly documents: readonly Int32Array[];
  readonly dominantFcs: number;
  readonly threads: number;
  /** Default -1. */
  readonly priority?: number;
  /**
   * What earlier calls observed, at first none: the choice is then that of all documents, and the result has the sums of
   * all. So documents can come one by one, with other work between them.
   */
  readonly sums?: Float64Array;
}

export interface NativeLoadOptions {
  readonly path: string;
  /** The name of a GPU ({@link NativeDevice.name}) that the weights go to, and contexts compute on; absent: the CPU. */
  readonly device?: string;
}

export interface NativeAddon {
  readonly versions: { readonly addon: string; readonly ggml: string; readonly napi: number };
  /** Loads the best CPU library of the folder; once per process. */
  loadBackends(directory: string): void;
  devices(): NativeDevice[];
  /** Instruction sets that the chosen CPU library and our kernels use. */
  cpuFeatures(): { readonly library: string; readonly features: readonly string[]; readonly fasaKernels: string };
  /** Header only, checked before anything is allocated; fast. */
  inspectModel(path: string): NativeModelInfo;
  loadModel(options: NativeLoadOptions, onProgress: (share: number) => void): NativeTask<NativeModel>;
}

export interface NativeSampling {
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
}

export interface NativeGenerateOptions {
  /** The whole context: the longest prefix that is already in the KV cache is reused, and the rest is prefilled. */
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly sampling: NativeSampling;
  /** A sampled token of these ends the generation and is not part of the result. */
  readonly stopTokens: readonly number[];
  /** `auto` is dense below `fasaFromTokens` cached tokens and FASA from there on, if there is a calibration. */
  readonly attention: NativeAttention;
  /** Tokens that FAC reads per KV head (anchor and recent window included). */
  readonly budget: number;
  readonly fasaFromTokens: number;
  /** Higher priorities run first. */
  readonly priority: number;
  readonly repository?: NativeRepository;
  /** Sums the attention of decoded tokens, for citations. */
  readonly countAttention?: boolean;
}

export interface NativeGenerationStats {
  readonly reusedTokens: number;
  readonly fedTokens: number;
  readonly decodedTokens: number;
  /** Milliseconds in the queue, in prefill, from the start of work to the first token, and of decoding after the first token. */
  readonly queueMs: number;
  readonly prefillMs: number;
  readonly firstTokenMs: number;
  readonly decodeMs: number;
  /** Decode steps that ran with FASA; the others were dense. */
  readonly fasaSteps: number;
  /** Mean bytes of K and V rows and importance keys that attention read per decode step; 0 without steps. */
  readonly bytesReadPerToken: number;
}

export interface NativeGenerationResult {
  readonly tokens: Int32Array;
  readonly reason: 'length' | 'stop-token' | 'stopped' | 'context-full';
  readonly stats: NativeGenerationStats;
  /**
   * With countAttention on the CPU, one array per chunk: the attention of the decoded tokens to each block of 16 tokens, as a
   * share of that to all selected tokens except the anchor and the recent window, over heads and layers.
   */
  readonly chunkAttention?: readonly Float32Array[];
  /**
   * With chunkAttention: shares of the same total for the sequence's own tokens, [⌈tokens / 16⌉]; block i is the tokens 16 i to
   * 16 i + 15. It includes tokens of the answer that left the recent window. All shares together are 1, or 0 if nothing was
   * selected beside anchor and window.
   */
  readonly ownAttention?: Float32Array;
}

export interface NativeGenerateEvents {
  /** After each micro-batch of the prefill. */
  onProgress?(fedTokens: number, totalTokens: number): void;
  onToken?(token: number): void;
}
