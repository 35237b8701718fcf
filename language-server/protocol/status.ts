/** The status record: what the server says of itself, of the model and of what it measured. Absent fields are not known. */

export type ServerState = 'starting' | 'loading' | 'encoding' | 'ready' | 'busy' | 'paused' | 'off' | 'error';

export interface Status {
  readonly state: ServerState;
  /** 0 to 1, while loading. */
  readonly progress?: number;
  /** With state `error` or `off`: what happened and what the user can do. */
  readonly problem?: StatusProblem;
  readonly model?: ModelStatus;
  readonly device?: DeviceStatus;
  readonly repository?: RepositoryStatus;
  readonly cache?: CacheStatus;
  readonly attention?: AttentionStatus;
  /** Measured with the loaded model on this machine; absent until then. */
  readonly speed?: SpeedStatus;
  readonly fidelity?: FidelityStatus;
  readonly lastRequest?: RequestStatus;
  /** Completions miss their time budget here. */
  readonly slow?: SlowStatus;
}

export interface SlowStatus {
  /** What takes most of the time. */
  readonly cause: 'feeding' | 'decoding' | 'waiting';
  /** What was measured, in words. */
  readonly message: string;
  /** One sentence: what the user can do. */
  readonly remedy: string;
}

export interface StatusProblem {
  /** For example MODEL_NOT_FOUND, NOT_GGUF, UNSUPPORTED_ARCHITECTURE, OUT_OF_MEMORY, ADDON_MISSING. */
  readonly code: string;
  /** One sentence: what happened, to what. */
  readonly message: string;
  /** One sentence: what the user can do. */
  readonly remedy: string;
}

export interface ModelStatus {
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly quantization: string;
  readonly trainedContext: number;
  readonly bytes: number;
  readonly fillInTheMiddle: boolean;
}

export interface DeviceStatus {
  readonly kind: 'cpu' | 'gpu' | 'accelerator';
  readonly name: string;
  readonly threads: number;
  /** Bytes: resident memory of the server's process, and free memory of the device. */
  readonly memoryUsed: number;
  readonly memoryFree: number;
}

export interface RepositoryStatus {
  readonly files: number;
  readonly filesEncoded: number;
  readonly tokens: number;
  readonly tokensEncoded: number;
  /** Number of files left out, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** While encoding: of the files to encode now. */
  readonly encoding?: {
    readonly filesDone: number;
    readonly files: number;
    readonly tokensDone: number;
    readonly tokens: number;
    /** Measured; absent until some were encoded. */
    readonly secondsLeft?: number;
  };
  readonly paused?: 'user' | 'battery';
  /** Of the store on disk. */
  readonly diskBytes?: number;
}

export interface CacheStatus {
  readonly tokens: number;
  readonly contextTokens: number;
  readonly fullBytes: number;
  readonly fastBytes: number;
  readonly slowBytes: number;
  /** 1 - fastBytes / fullBytes. Absent when the cache is empty. */
  readonly saved?: number;
}

export interface AttentionStatus {
  readonly mode: 'auto' | 'dense' | 'fasa-c' | 'fasa-m';
  readonly budget: number;
  /** The model has a calibration file; without one `auto` is dense. */
  readonly calibrated: boolean;
  /** Share done, 0 to 1, while it is calibrated in the background. */
  readonly calibrating?: number;
}

/** Of whole decode steps over the user's own context: never estimated. */
export interface SpeedStatus {
  readonly fasaMsPerToken: number;
  readonly denseMsPerToken: number;
  /** denseMsPerToken / fasaMsPerToken */
  readonly speedup: number;
  /** Cached tokens. */
  readonly atTokens: number;
  /** ISO 8601. */
  readonly measuredAt: string;
}

/** FASA steps against dense ones over the same cache, since the model was loaded. */
export interface FidelityStatus {
  /** Of the next-token distributions, in nats. */
  readonly meanKl: number;
  /** Share of steps with the same most likely token. */
  readonly agreement: number;
  /** Steps. */
  readonly samples: number;
}

export interface RequestStatus {
  readonly kind: 'inline' | 'chat';
  readonly firstTokenMs: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly reusedTokens: number;
  readonly fedTokens: number;
  readonly bytesReadPerToken: number;
  /** When it ended, ISO 8601. */
  readonly at?: string;
  /** Milliseconds: waiting behind other requests, reading the prompt, decoding after the first token. */
  readonly queueMs?: number;
  readonly feedMs?: number;
  readonly decodeMs?: number;
}
