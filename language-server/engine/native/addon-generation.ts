/** The addon's types of one generation: what is asked for, what happens meanwhile, what comes of it. */

import type { NativeAttention, NativeRepository } from './addon';

export interface NativeSampling {
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
}

export interface NativeGenerateOptions {
  /** The whole context: the longest prefix that is already in the KV is reused, the rest is fed. */
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly sampling: NativeSampling;
  /** A sampled token of these ends the generation and is not part of the result. */
  readonly stopTokens: readonly number[];
  /** `auto`: dense below `fasaFromTokens` cached tokens, FASA from there on, if there is a calibration. */
  readonly attention: NativeAttention;
  /** Tokens that FAC reads per KV head (anchor and recent window included). */
  readonly budget: number;
  readonly fasaFromTokens: number;
  /** Higher runs first. */
  readonly priority: number;
  readonly repository?: NativeRepository;
  /** Adds up where decoded tokens look, for citations. */
  readonly countAttention?: boolean;
}

export interface NativeGenerationStats {
  readonly reusedTokens: number;
  readonly fedTokens: number;
  readonly decodedTokens: number;
  /** Time in the queue, in prefill, from start of work to the first token, and in decoding after the first token. */
  readonly queueMs: number;
  readonly prefillMs: number;
  readonly firstTokenMs: number;
  readonly decodeMs: number;
  /** Decode steps that ran with FASA; the others were dense. */
  readonly fasaSteps: number;
  /** Mean over the decode steps: K and V rows, and importance keys, that attention read. 0 with no step. */
  readonly bytesReadPerToken: number;
}

export interface NativeGenerationResult {
  readonly tokens: Int32Array;
  readonly reason: 'length' | 'stop-token' | 'stopped' | 'context-full';
  readonly stats: NativeGenerationStats;
  /**
   * With countAttention on the CPU, one a chunk: the attention of the decoded tokens on each block of 16 tokens, as a share
   * of what went to all chosen tokens beside the anchor and the recent window, over heads and layers.
   */
  readonly chunkAttention?: readonly Float32Array[];
  /**
   * Beside chunkAttention, shares of the same total: of the sequence's own tokens, [⌈tokens / 16⌉]; block i is tokens
   * 16 i to 16 i + 15. Those of the answer that left the recent window are among them. All shares together are 1, or 0
   * where nothing was chosen beside anchor and window.
   */
  readonly ownAttention?: Float32Array;
}

export interface NativeGenerateEvents {
  /** After each micro-batch of the prefill. */
  onProgress?(fedTokens: number, totalTokens: number): void;
  onToken?(token: number): void;
}
