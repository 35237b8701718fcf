/** The status of the server: its state, the model, and what it has measured. Unknown figures are absent. */

import type { DownloadStatus } from './models';

export type ServerState = 'starting' | 'loading' | 'encoding' | 'ready' | 'busy' | 'paused' | 'off' | 'error';

export interface Status {
  readonly state: ServerState;
  /** The share of the model that is loaded, 0 to 1; while loading only. */
  readonly progress?: number;
  /** What happened and what the user can do, in the states `error` and `off`. */
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
  /** Present while completions exceed their latency limit on this machine. */
  readonly slow?: SlowStatus;
  /** Present while this server downloads a model. */
  readonly download?: DownloadStatus;
}

export interface SlowStatus {
  /** What takes most of the time: prefill (`feeding`), decoding, or waiting in the queue. */
  readonly cause: 'feeding' | 'decoding' | 'waiting';
  /** What was measured, in words. */
  readonly message: string;
  /** One sentence: what the user can do. */
  readonly remedy: string;
}

interface StatusProblem {
  /** For example MODEL_NOT_FOUND, NOT_GGUF, UNSUPPORTED_ARCHITECTURE, OUT_OF_MEMORY, ADDON_MISSING. */
  readonly code: string;
  /** One sentence: what happened, to what. */
  readonly message: string;
  /** One sentence: what the user can do. */
  readonly remedy: string;
}

interface ModelStatus {
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly quantization: string;
  readonly trainedContext: number;
  readonly bytes: number;
  readonly fillInTheMiddle: boolean;
}

interface DeviceStatus {
  readonly kind: 'cpu' | 'gpu' | 'accelerator';
  readonly name: string;
  readonly threads: number;
  /** Bytes. `memoryUsed` is resident memory of the server's process, `memoryFree` is free memory of the device. */
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
  /** The progress over the files that are encoded now; while encoding only. */
  readonly encoding?: {
    readonly filesDone: number;
    readonly files: number;
    readonly tokensDone: number;
    readonly tokens: number;
    /** Measured; absent until the speed is known. */
    readonly secondsLeft?: number;
  };
  readonly paused?: 'user' | 'battery';
  /** The size of the store on disk, of all repositories. */
  readonly diskBytes?: number;
}

export interface CacheStatus {
  readonly tokens: number;
  readonly contextTokens: number;
  /** Bytes that a dense f16 cache of the same tokens would take. */
  readonly fullBytes: number;
  /** Bytes in memory; `slowBytes` are offloaded. */
  readonly fastBytes: number;
  readonly slowBytes: number;
  /** 1 - fastBytes / fullBytes; absent when the cache is empty. */
  readonly saved?: number;
}

export interface AttentionStatus {
  readonly mode: 'auto' | 'dense' | 'fasa-c' | 'fasa-m';
  readonly budget: number;
  /** Whether the model has a calibration file. Without one, `auto` is dense. */
  readonly calibrated: boolean;
  /** The progress of calibration in the background, 0 to 1; while it runs only. */
  readonly calibrating?: number;
}

/** The speed of whole decode steps over the user's own context: measured, never estimated. */
export interface SpeedStatus {
  readonly fasaMsPerToken: number;
  readonly denseMsPerToken: number;
  /** denseMsPerToken / fasaMsPerToken */
  readonly speedup: number;
  /** The number of cached tokens at which it was measured. */
  readonly atTokens: number;
  /** ISO 8601. */
  readonly measuredAt: string;
}

/** A comparison of FASA steps with dense ones over the same cache, since the model was loaded. */
export interface FidelityStatus {
  /** Mean KL divergence of the next-token distributions, in nats. */
  readonly meanKl: number;
  /** The share of steps with the same most likely token. */
  readonly agreement: number;
  /** The number of steps. */
  readonly samples: number;
}

export interface RequestStatus {
  readonly kind: 'inline' | 'chat';
  readonly firstTokenMs: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly reusedTokens: number;
  /** Prompt tokens that were prefilled. */
  readonly fedTokens: number;
  readonly bytesReadPerToken: number;
  /** The time when it ended, ISO 8601. */
  readonly at?: string;
  /** Milliseconds of waiting for other requests, of prefill, and of decoding after the first token. */
  readonly queueMs?: number;
  readonly feedMs?: number;
  readonly decodeMs?: number;
}
