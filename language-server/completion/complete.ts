/** Inline completions at one place: cache, prompt, decoding under stop rules and a time budget, filters. Knows no protocol. */

import { cancelled, EngineError, isCancelled, throwIfAborted } from '../base/errors';
import type { Engine, Generation, RetrievedChunk } from '../engine/engine';
import type { NativeSampling } from '../engine/native/addon';
import { commentPathLine, fileForm } from '../index/chunk/path-line';
import type { TextAround } from '../index/rank/relevance';
import type { ServerSettings } from '../protocol/server';
import type { CompletionCounters, Watch } from './counters';
import { filterCompletion } from './postprocess';
import { buildPrompt, type Prompt, usualSuffixTokens } from './prompt/prompt';
import { type Deadline, startDeadline } from './stop/deadline';
import { sensibleEnd } from './stop/sensible-end';
import { applyStopRules, type StopContext } from './stop/stop-rules';
import { noSuggestion, type Suggestion } from './suggestion';
import { type CachedPlace, SuggestionCache } from './suggestion-cache';
import { CodeAround } from './syntax/brackets';
import { completionShape } from './syntax/shape';
import { SoundEnd, soundest } from './syntax/soundness';
import { type ErrorCounter, Syntax } from './syntax/syntax';
import { MeasuredSpeed } from './trigger/speed';

export interface CompletionInput {
  readonly uri: string;
  /** Relative to the repository's folder, forward slashes; for a document without one, its name. */
  readonly path: string;
  readonly text: string;
  readonly offset: number;
  readonly languageId: string;
  readonly settings: Pick<ServerSettings['completion'], 'maxTokens' | 'tailTokens'>;
  /** From now to the answer; 0: no limit. */
  readonly timeBudgetMs: number;
  readonly signal: AbortSignal;
  readonly seed?: number;
  /** More than one: several that differ, as long as that takes little longer than one. */
  readonly candidates?: number;
  /** Ahead of time, behind everything that a person waits for. */
  readonly background?: boolean;
  /** What is encoded of the repository, for a text around the cursor. */
  readonly chunksFor: (around: TextAround) => readonly RetrievedChunk[];
}

export interface CompletionOutcome extends Suggestion {
  /** This one, and others that differ from it. */
  readonly suggestions: readonly Suggestion[];
  readonly from: 'cache' | 'model';
  /** The time was over before the suggestion ended by itself. */
  readonly late: boolean;
  /** Absent from the cache, and when the time was over before the first token. */
  readonly generation?: Generation;
  readonly prompt?: {
    readonly tokens: number;
    readonly tailTokens: number;
    /** Of the repository, in all retrieved chunks. */
    readonly repositoryTokens: number;
  };
}

/** Blocks beyond this are read by nobody; models without the text after the cursor lose the thread sooner. */
const maxLines = { fillInTheMiddle: 16, prefixOnly: 8 };
/** Tokens of a context that are kept free for the path line and the model's special tokens. */
const reservedTokens = 64;
const greedy = { temperature: 0, topK: 1, topP: 1 };
/** Around the cursor, for what of the repository is retrieved: lines farther away say next to nothing. */
const maxChars = { before: 6000, after: 1000 };
/** For candidates beside the likeliest one. */
const varied = { temperature: 0.7, topK: 40, topP: 0.95 };
/** What further candidates may take, beside as long as the first one took. */
const candidatesMs = 1000;

export class Completer {
  readonly speed = new MeasuredSpeed();
  readonly #cache = new SuggestionCache();
  readonly #counters: CompletionCounters | undefined;
  readonly #syntax: Syntax;
  /** What was fed of the last prompts: the KV holds it, unless something else was fed since. */
  #fed: Int32Array = new Int32Array();

  constructor(counters?: CompletionCounters, syntax = new Syntax()) {
    this.#counters = counters;
    this.#syntax = syntax;
  }

  /** What is left of earlier suggestions at this place: no model is asked. */
  find(place: CachedPlace): readonly Suggestion[] | undefined {
    return this.#cache.find(place);
  }

  /** @throws EngineError CANCELLED when the signal aborts; the engine's others */
  async complete(engine: Engine, input: CompletionInput): Promise<CompletionOutcome> {
    const deadline = startDeadline(input.timeBudgetMs);
    try {
      throwIfAborted(input.signal);
      const known = this.#cache.find(input);
      if (known !== undefined && (input.candidates === undefined || known.length > 1)) {
        return { ...(known[0] ?? noSuggestion), suggestions: known, from: 'cache', late: false };
      }
      const prompt = makePrompt(engine, input, this.speed);
      if (!(await this.#feedPieces(engine, prompt, input, deadline))) {
        return { ...noSuggestion, suggestions: [], from: 'model', late: true };
      }
      const started = performance.now();
      const sampling = { ...greedy, seed: input.seed ?? 0 };
      // the same for all candidates
      const chunks = retrievedChunks(engine, prompt, input);
      const retrieved = { ...input, chunksFor: () => chunks };
      const { generation, suggestion } = await this.#decode(engine, prompt, retrieved, sampling, deadline);
      const until = performance.now() + (performance.now() - started) + candidatesMs;
      const suggestions = [suggestion];
      if (suggestion.text !== '') {
        suggestions.push(...(await this.#others(engine, prompt, retrieved, suggestion, deadline, until)));
      }
      // what the clock cut short is decoded further when it is asked for again
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
   * Feeds of the prompt what stays as it is while the user types, and decodes nothing, so that a later request for this
   * document finds it in the KV.
   * @throws EngineError as complete
   */
  async feed(engine: Engine, input: CompletionInput): Promise<void> {
    const prompt = makePrompt(engine, input, this.speed);
    await this.#feedPieces(engine, prompt, input);
    // the last tokens see the repository, as they would in a request
    await this.#feedUpTo(engine, prompt, prompt.stableTokens, input, retrievedChunks(engine, prompt, input));
  }

  /**
   * Feeds a long prompt in pieces, most of it: who types on meanwhile cancels one piece, not all of them, so that the
   * model has read the file in the end however fast he types.
   * @returns false when the time was over
   */
  async #feedPieces(engine: Engine, prompt: Prompt, input: CompletionInput, deadline?: Deadline): Promise<boolean> {
    let done = sharedTokens(this.#fed, prompt.tokens);
    while (prompt.stableTokens - done > this.speed.pieceTokens) {
      if (deadline?.over === true) {
        return false;
      }
      done += this.speed.pieceTokens;
      await this.#feedUpTo(engine, prompt, done, input);
    }
    return true;
  }

  async #feedUpTo(
    engine: Engine,
    { tokens }: Prompt,
    count: number,
    input: CompletionInput,
    chunks: readonly RetrievedChunk[] = [],
  ): Promise<void> {
    throwIfAborted(input.signal);
    const part = tokens.slice(0, count);
    const watch = this.#counters?.watch(engine, input.signal);
    let noted = false;
    try {
      const generation = await engine.generate({
        sequence: 'inline',
        tokens: part,
        maxTokens: 0,
        sampling: { ...greedy, seed: 0 },
        signal: input.signal,
        ...(chunks.length === 0 ? {} : { chunks }),
        onProgress: (fed) => watch?.onProgress(fed),
        ...(input.background === true ? { background: true } : {}),
      });
      this.#fed = part;
      this.#note(generation);
      this.speed.pieceFed();
      noted = true;
    } catch (error) {
      if (isCancelled(error)) {
        this.speed.pieceCancelled();
      }
      throw error;
    } finally {
      watch?.end(noted);
    }
  }

  /** Another model would say something else. */
  clearCache(): void {
    this.#cache.clear();
  }

  /** Sampled, over the same KV; those that differ from the first and from one another. */
  async #others(
    engine: Engine,
    prompt: Prompt,
    input: CompletionInput,
    first: Suggestion,
    deadline: Deadline,
    until: number,
  ): Promise<Suggestion[]> {
    const others: Suggestion[] = [];
    const tries = 2 * ((input.candidates ?? 1) - 1);
    for (let attempt = 1; attempt <= tries && others.length < (input.candidates ?? 1) - 1; attempt++) {
      if (deadline.over || performance.now() >= until) {
        break;
      }
      const sampling = { ...varied, seed: (input.seed ?? 0) + attempt };
      const { suggestion } = await this.#decode(engine, prompt, input, sampling, deadline);
      const known = [first, ...others].some((one) => one.text.trim() === suggestion.text.trim());
      if (suggestion.text !== '' && !known && !deadline.over) {
        others.push(suggestion);
      }
    }
    return others;
  }

  async #decode(
    engine: Engine,
    prompt: Prompt,
    input: CompletionInput,
    sampling: NativeSampling,
    deadline: Deadline,
  ): Promise<{ readonly suggestion: Suggestion; readonly generation: Generation | undefined }> {
    const stopContext = await this.#stopContext(prompt, input);
    const errors = this.#syntax.checkerAt(input.languageId, input.text, input.offset);
    const watch = this.#counters?.watch(engine, input.signal);
    let noted = false;
    try {
      const { generation, text } = await decode(engine, prompt, input, {
        sampling,
        stopContext,
        errors,
        deadline,
        watch,
      });
      if (generation !== undefined) {
        this.#fed = prompt.tokens;
        this.#note(generation);
        noted = true;
      }
      const filtered = filterCompletion(text, prompt.cursor, input.languageId);
      return { suggestion: soundest(filtered, text, prompt.cursor, errors), generation };
    } finally {
      watch?.end(noted);
    }
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

  #note({ stats }: Generation): void {
    this.speed.note(stats);
    this.#counters?.noteGeneration(stats);
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

function retrievedChunks(engine: Engine, { cursor }: Prompt, input: CompletionInput): readonly RetrievedChunk[] {
  return engine.chunks === undefined
    ? []
    : input.chunksFor({
        before: cursor.before.slice(-maxChars.before),
        after: cursor.after.slice(0, maxChars.after),
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

interface Decoding {
  readonly sampling: NativeSampling;
  readonly stopContext: StopContext;
  readonly errors: ErrorCounter | undefined;
  readonly deadline: Deadline;
  readonly watch: Watch | undefined;
}

interface Decoded {
  readonly text: string;
  readonly generation: Generation | undefined;
}

async function decode(
  engine: Engine,
  prompt: Prompt,
  input: CompletionInput,
  { sampling, stopContext, errors, deadline, watch }: Decoding,
): Promise<Decoded> {
  const sound = new SoundEnd(errors, new CodeAround(prompt.cursor, input.languageId));
  let kept = '';
  let stopped = false;
  const keep = (whole: string): boolean => {
    const text = withoutFirstSpace(whole, prompt);
    const rules = sound.goesOn ? { text: '', stop: true } : applyStopRules(text, stopContext);
    const decision = sound.decide(rules.text, rules.stop, text);
    kept = decision.text;
    stopped = decision.stop;
    return stopped;
  };
  const chunks = retrievedChunks(engine, prompt, input);
  const late = new AbortController();
  deadline.onOver(() => {
    // before the first text there is nothing to offer: what was fed stays in the KV for the next request
    if (kept === '') {
      late.abort();
    }
  });
  try {
    const generation = await engine.generate({
      sequence: 'inline',
      tokens: prompt.tokens,
      maxTokens: input.settings.maxTokens,
      sampling,
      stopTokens: markupTokens(engine),
      signal: AbortSignal.any([input.signal, late.signal]),
      ...(chunks.length === 0 ? {} : { chunks }),
      onProgress: (fed) => watch?.onProgress(fed),
      onText: (_delta, whole) => {
        watch?.onText();
        return keep(whole) || deadline.over ? 'stop' : 'continue';
      },
      ...(input.background === true ? { background: true } : {}),
    });
    if (sound.goesOn && !stopped) {
      return { text: sound.end(withoutFirstSpace(generation.text, prompt)), generation };
    }
    return { text: stopped ? kept : withoutLooseEnd(kept, generation, stopContext), generation };
  } catch (error) {
    if (isCancelled(error) && late.signal.aborted && !input.signal.aborted) {
      return { text: '', generation: undefined };
    }
    throw input.signal.aborted ? cancelled() : error;
  }
}

function withoutFirstSpace(whole: string, prompt: Prompt): string {
  return prompt.withoutSpace && whole.startsWith(' ') ? whole.slice(1) : whole;
}

/**
 * Tokens that begin another part of a prompt end this one, and no other markup is text either. They are known by what they
 * are and not by what they spell: a program may well have the same characters.
 */
function markupTokens(engine: Engine): number[] {
  const { fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator, control } = engine.model.tokens;
  const parts = [fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator].filter((token) => token !== undefined);
  return [...new Set([...parts, ...control])];
}

/** What the length or the time has cut ends at a sensible place: a block with a whole line, a line with a whole word. */
function withoutLooseEnd(text: string, generation: Generation, context: StopContext): string {
  return generation.reason === 'stop-token' ? text : sensibleEnd(text, context.shape.lines);
}
