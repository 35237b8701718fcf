/** The addon's types for one generation: its options, its events and its result. */

import type { NativeAttention, NativeRepository } from './addon';

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
