/** Runs one case under one condition: which tokens are prefilled, with which chunks, and what the model predicts. */

import { cancellable } from '../../language-server/base/cancellable';
import type { NativeModel } from '../../language-server/engine/native/addon';
import type { TokenPart } from '../../language-server/engine/native/token-parts';
import { concatenate } from '../../language-server/engine/native/token-parts';
import type { LaboratoryContext, LaboratoryOpenModel } from '../common/addon';
import type { ScoredChunk } from './compose';
import { compose } from './compose';
import type { Variant } from './options';
import type { CasePrompt } from './prompt';
import { type Score, scoreCase } from './score';

/** Room for the anchor, the path line and the answer. */
const composedMargin = 256;

interface RunnerOptions {
  readonly anchor: Int32Array;
  /** Tokens of one dense prefill. */
  readonly windowTokens: number;
  readonly tailTokens: number;
  /** Maximum tokens of a chunk, which is the window that chunks share. */
  readonly chunkTokens: number;
}

/** Two caches: one for plain prompts, and one for tails with chunks, whose positions begin after the chunks' window. */
export class ConditionRunner {
  readonly #bench: LaboratoryOpenModel;
  readonly #options: RunnerOptions;
  readonly #signal: AbortSignal;
  readonly #plain: LaboratoryContext;
  #composed: LaboratoryContext | undefined;

  constructor(bench: LaboratoryOpenModel, options: RunnerOptions, signal: AbortSignal) {
    this.#bench = bench;
    this.#options = options;
    this.#signal = signal;
    this.#plain = this.#context(options.windowTokens);
  }

  /** Runs a dense prefill of the parts, then of the tail. */
  async prefill(prompt: CasePrompt, parts: readonly TokenPart[]): Promise<Score> {
    const before = concatenate([this.#options.anchor, ...parts, prompt.tail]);
    const task = this.#plain.evaluate({
      ...steps(before, prompt),
      stepwise: false,
      attention: 'dense',
      budget: before.length,
    });
    return scoreCase(this.#model, prompt, await cancellable(task, this.#signal));
  }

  /** Runs the tail with chunks. @returns logits as {@link scoreCase} takes them, to compare runs */
  async beside(
    prompt: CasePrompt,
    chunks: readonly ScoredChunk[],
    variant: Variant,
    attention: 'dense' | 'fasa-c',
  ): Promise<{ readonly score: Score; readonly logits: Float32Array }> {
    const before = concatenate([this.#options.anchor, prompt.tail]);
    const task = this.#beside().evaluate({
      ...steps(before, prompt),
      stepwise: true,
      attention,
      budget: variant.budget,
      repository: compose(chunks, variant),
    });
    const logits = await cancellable(task, this.#signal);
    return { score: scoreCase(this.#model, prompt, logits), logits };
  }

  dispose(): void {
    this.#plain.dispose();
    this.#composed?.dispose();
  }

  get #model(): NativeModel {
    return this.#bench.model;
  }

  #beside(): LaboratoryContext {
    const { anchor, tailTokens, chunkTokens } = this.#options;
    this.#composed ??= this.#context(anchor.length + tailTokens + composedMargin, anchor.length + chunkTokens);
    return this.#composed;
  }

  #context(contextTokens: number, position?: number): LaboratoryContext {
    const { threads, calibration, model } = this.#bench;
    return model.createContext({
      contextTokens,
      threads,
      ...(calibration === undefined ? {} : { calibration }),
      ...(position === undefined
        ? {}
        : { composition: { anchorTokens: this.#options.anchor.length, tailPosition: position } }),
    });
  }
}

/** The row of the last token in front of the answer predicts its first one. */
function steps(before: Int32Array, { answer }: CasePrompt) {
  return {
    tokens: concatenate([before, answer.slice(0, -1)]),
    from: before.length - 1,
    fasaFromTokens: 0,
  };
}
