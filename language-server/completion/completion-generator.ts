/**
 * Generates the completions of one place: from the cache of suggestions, or by the model from a prompt, under stop rules
 * and a deadline, and filtered. It knows neither the protocol nor the documents of the editor.
 */

import { EngineError, isCancelled, throwIfAborted } from '../base/errors';
import type { Engine, Generation, RetrievedChunk } from '../engine/engine';
import type { NativeSampling } from '../engine/native/addon';
import { commentPathLine, fileForm } from '../index/chunk/path-line';
import type { TextAround } from '../index/rank/relevance';
import type { ServerSettings } from '../protocol/server';
import { type Deadline, decode, startDeadline } from './decode';
import { filterCompletion } from './postprocess';
import { buildPrompt, type Prompt, usualSuffixTokens } from './prompt/prompt';
import type { StopContext } from './stop/stop-rules';
import { type CachedPlace, noSuggestion, type Suggestion, SuggestionCache } from './suggestion-cache';
import { completionShape } from './syntax/completion-shape';
import { Syntax } from './syntax/syntax';
import { chooseWithoutErrors } from './syntax/syntax-check';
import { MeasuredSpeed } from './trigger/speed';

export interface CompletionInput {
  readonly uri: string;
  /** Relative to the workspace folder, with forward slashes; the name of a document that is in no folder. */
  readonly path: string;
  readonly text: string;
  /** Of the cursor in the text, in UTF-16 units. */
  readonly offset: number;
  readonly languageId: string;
  readonly settings: Pick<ServerSettings['completion'], 'maxTokens' | 'tailTokens'>;
  /** Milliseconds from the call to the answer; 0: no limit. */
  readonly timeBudgetMs: number;
  readonly signal: AbortSignal;
  readonly seed?: number;
  /** With more than one, alternatives are sampled as well, as long as that takes little longer than the first did. */
  readonly candidates?: number;
  /** The request runs ahead of time: it yields to everything that a person waits for. */
  readonly background?: boolean;
  /** Retrieves encoded chunks of the repository for the text around the cursor. */
  readonly chunksFor: (around: TextAround) => readonly RetrievedChunk[];
}

export interface CompletionOutcome extends Suggestion {
  /** This suggestion, then the alternatives. */
  readonly suggestions: readonly Suggestion[];
  readonly from: 'cache' | 'model';
  /** The deadline passed before the suggestion ended by itself. */
  readonly late: boolean;
  /** Absent for a cached suggestion, and where the deadline passed before the first token. */
  readonly generation?: Generation;
  readonly prompt?: {
    readonly tokens: number;
    readonly tailTokens: number;
    /** Sum over all retrieved chunks. */
    readonly repositoryTokens: number;
  };
}

/** A prompt and the chunks that are retrieved for it: what a request prefills, and then decodes from. */
export interface PreparedPrompt {
  readonly prompt: Prompt;
  readonly chunks: readonly RetrievedChunk[];
}

/** Nobody reads longer blocks, and a model that does not see the text after the cursor loses the thread sooner. */
const maxLines = { fillInTheMiddle: 16, prefixOnly: 8 };
/** Tokens of the context that stay free for the path line and the special tokens of the model. */
const reservedTokens = 64;
const greedy = { temperature: 0, topK: 1, topP: 1 };
/** Characters around the cursor that chunks are retrieved by: lines farther away say next to nothing. */
const maxQueryChars = { before: 6000, after: 1000 };
/** How alternatives to the most likely completion are sampled. */
const varied = { temperature: 0.7, topK: 40, topP: 0.95 };
/** Alternatives may take as long as the first completion took, and so many milliseconds more. */
const alternativesMs = 1000;

export class CompletionGenerator {
  readonly speed = new MeasuredSpeed();
  readonly #cache = new SuggestionCache();
  readonly #syntax: Syntax;
  /** The tokens that were prefilled last. The KV cache holds them, unless another request has replaced them since. */
  #prefilled: Int32Array = new Int32Array();

  constructor(syntax = new Syntax()) {
    this.#syntax = syntax;
  }

  /** The rest of earlier suggestions for this place; the model is not asked. */
  findCached(place: CachedPlace): readonly Suggestion[] | undefined {
    return this.#cache.find(place);
  }

  /** The cache is of no use after a change of the model or the settings, which would give other suggestions. */
  clearCache(): void {
    this.#cache.clear();
  }

  /**
   * @param prepared what {@link prefill} returned for the same input, so that it is not prepared again
   * @throws EngineError CANCELLED when the signal aborts; the engine's others
   */
  async generate(engine: Engine, input: CompletionInput, prepared?: PreparedPrompt): Promise<CompletionOutcome> {
    const deadline = startDeadline(input.timeBudgetMs);
    try {
      throwIfAborted(input.signal);
      const known = this.#cache.find(input);
      if (known !== undefined && (input.candidates === undefined || known.length > 1)) {
        return { ...(known[0] ?? noSuggestion), suggestions: known, from: 'cache', late: false };
      }
      const prompt = prepared?.prompt ?? makePrompt(engine, input, this.speed);
      if (!(await this.#prefillBatches(engine, prompt, input, deadline))) {
        return { ...noSuggestion, suggestions: [], from: 'model', late: true };
      }
      const chunks = prepared?.chunks ?? retrieveChunks(engine, prompt, input);
      const started = performance.now();
      const own = { prompt, chunks };
      const { generation, suggestion } = await this.#decode(engine, own, input, greedy, deadline);
      const until = performance.now() + (performance.now() - started) + alternativesMs;
      const suggestions = [suggestion];
      if (suggestion.text !== '') {
        suggestions.push(...(await this.#alternatives(engine, own, input, suggestion, deadline, until)));
      }
      // a suggestion that the deadline has cut short is not cached, so that it grows when it is asked for again
      if (generation !== undefined && !deadline.over) {
        this.#cache.add(input, suggestions);
      }
      return {
        ...suggestion,
        suggestions,
        from: 'model',
        late: deadline.over,
        prompt: {
          tokens: prompt.tokens.length,
          tailTokens: prompt.tailTokens,
          repositoryTokens: chunks.reduce((sum, { chunk }) => sum + chunk.tokens, 0),
        },
        ...(generation === undefined ? {} : { generation }),
      };
    } finally {
      deadline.stop();
    }
  }

  /**
   * Prefills the part of the prompt that stays as it is while the user types, and decodes nothing, so that a later request
   * for this document finds it in the KV cache.
   * @throws EngineError as generate
   */
  async prefill(engine: Engine, input: CompletionInput): Promise<PreparedPrompt> {
    const prompt = makePrompt(engine, input, this.speed);
    await this.#prefillBatches(engine, prompt, input);
    // the last tokens attend to the repository, as they do in a request that decodes
    const chunks = retrieveChunks(engine, prompt, input);
    await this.#prefillTo(engine, prompt, prompt.stableTokens, input, chunks);
    return { prompt, chunks };
  }

  /**
   * Prefills most of a long prompt, in batches: a key that is pressed meanwhile cancels one batch and not all of them, so
   * that the model has read the file in the end, however fast the user types.
   * @returns false when the deadline passed
   */
  async #prefillBatches(engine: Engine, prompt: Prompt, input: CompletionInput, deadline?: Deadline): Promise<boolean> {
    let done = sharedTokens(this.#prefilled, prompt.tokens);
    while (prompt.stableTokens - done > this.speed.prefillBatchTokens) {
      if (deadline?.over === true) {
        return false;
      }
      done += this.speed.prefillBatchTokens;
      await this.#prefillTo(engine, prompt, done, input);
    }
    return true;
  }

  async #prefillTo(
    engine: Engine,
    { tokens }: Prompt,
    count: number,
    input: CompletionInput,
    chunks: readonly RetrievedChunk[] = [],
  ): Promise<void> {
    throwIfAborted(input.signal);
    const part = tokens.slice(0, count);
    try {
      const generation = await engine.generate({
        sequence: 'inline',
        tokens: part,
        maxTokens: 0,
        sampling: { ...greedy, seed: 0 },
        signal: input.signal,
        ...(chunks.length === 0 ? {} : { chunks }),
        ...(input.background === true ? { background: true } : {}),
      });
      this.#prefilled = part;
      this.speed.note(generation.stats);
      this.speed.batchDone();
    } catch (error) {
      if (isCancelled(error)) {
        this.speed.batchCancelled();
      }
      throw error;
    }
  }

  /** Samples alternatives over the same KV cache, and keeps those that differ from the first and from one another. */
  async #alternatives(
    engine: Engine,
    prepared: PreparedPrompt,
    input: CompletionInput,
    first: Suggestion,
    deadline: Deadline,
    until: number,
  ): Promise<Suggestion[]> {
    const wanted = (input.candidates ?? 1) - 1;
    const others: Suggestion[] = [];
    for (let attempt = 1; attempt <= 2 * wanted && others.length < wanted; attempt++) {
      if (deadline.over || performance.now() >= until) {
        break;
      }
      const { suggestion } = await this.#decode(engine, prepared, input, varied, deadline, attempt);
      const known = [first, ...others].some((one) => one.text.trim() === suggestion.text.trim());
      if (suggestion.text !== '' && !known && !deadline.over) {
        others.push(suggestion);
      }
    }
    return others;
  }

  async #decode(
    engine: Engine,
    { prompt, chunks }: PreparedPrompt,
    input: CompletionInput,
    sampling: Omit<NativeSampling, 'seed'>,
    deadline: Deadline,
    attempt = 0,
  ): Promise<{ readonly suggestion: Suggestion; readonly generation: Generation | undefined }> {
    const { languageId, signal } = input;
    const stopContext = await this.#stopContext(prompt, input);
    const errors = this.#syntax.checkerAt(languageId, input.text, input.offset);
    const { generation, text } = await decode(engine, {
      prompt,
      chunks,
      languageId,
      maxTokens: input.settings.maxTokens,
      sampling: { ...sampling, seed: (input.seed ?? 0) + attempt },
      stopContext,
      errors,
      deadline,
      signal,
      background: input.background === true,
    });
    if (generation !== undefined) {
      this.#prefilled = prompt.tokens;
      this.speed.note(generation.stats);
    }
    const filtered = filterCompletion(text, prompt.cursor, languageId);
    return { suggestion: chooseWithoutErrors(filtered, text, prompt.cursor, errors), generation };
  }

  async #stopContext({ cursor, fillInTheMiddle }: Prompt, input: CompletionInput): Promise<StopContext> {
    const syntax = await this.#syntax.shapeAt(input.languageId, input.text, input.offset);
    throwIfAborted(input.signal);
    return {
      shape: completionShape(cursor, fillInTheMiddle, syntax),
      nextLine: cursor.nextLine,
      maxLines: fillInTheMiddle ? maxLines.fillInTheMiddle : maxLines.prefixOnly,
    };
  }
}

function makePrompt(engine: Engine, input: CompletionInput, speed: MeasuredSpeed): Prompt {
  const anchor = engine.chunks?.anchor.length ?? 0;
  const room = engine.contextTokens - input.settings.maxTokens - reservedTokens - anchor;
  const tailTokens = Math.min(input.settings.tailTokens, room);
  if (tailTokens < 16) {
    throw new EngineError('CONTEXT_FULL', `A context of ${engine.contextTokens} tokens is too small for completions.`);
  }
  const pathLine = fileForm(engine.model.tokens) === 'separator' ? input.path : commentPathLine(input.path);
  const suffixTokens = speed.suffixTokens(usualSuffixTokens(tailTokens));
  return buildPrompt(engine, { ...input, pathLine, tailTokens, suffixTokens });
}

function retrieveChunks(engine: Engine, { cursor }: Prompt, input: CompletionInput): readonly RetrievedChunk[] {
  return engine.chunks === undefined
    ? []
    : input.chunksFor({
        before: cursor.before.slice(-maxQueryChars.before),
        after: cursor.after.slice(0, maxQueryChars.after),
        document: input.text,
      });
}

function sharedTokens(left: Int32Array, right: Int32Array): number {
  let count = 0;
  while (count < left.length && count < right.length && left[count] === right[count]) {
    count++;
  }
  return count;
}
