/** One inline completion: cache, prompt, decoding under stop rules and a time budget, filters. Knows no protocol. */

import type { Engine, Generation } from '../engine/engine';
import { cancelled, EngineError, isCancelled, throwIfAborted } from '../engine/errors';
import type { ServerSettings } from '../protocol';
import type { FileForm, PackedFiles } from '../repository/packed-files';
import { commentPathLine } from '../repository/path-line';
import { filterCompletion } from './filters';
import { buildPrompt, fileForm, type Prompt } from './prompt';
import { completionShape } from './shape';
import { applyStopRules, type StopContext } from './stop-rules';
import { SuggestionCache } from './suggestion-cache';

export interface CompletionInput {
  readonly uri: string;
  /** Relative to the repository's folder, forward slashes; for a document without one, its name. */
  readonly path: string;
  readonly repositoryName: string;
  readonly text: string;
  readonly offset: number;
  readonly settings: Pick<ServerSettings['completion'], 'maxTokens' | 'tailTokens' | 'repositoryTokens'>;
  /** From now to the answer; 0: no limit. */
  readonly timeBudgetMs: number;
  readonly signal: AbortSignal;
  readonly seed?: number;
  /** Other files, at most `mostTokens` of them. */
  readonly packFiles: (form: FileForm, mostTokens: number) => Promise<PackedFiles>;
}

export interface CompletionOutcome {
  /** What to insert at the cursor, with the document's line ends; '' for nothing. */
  readonly text: string;
  readonly from: 'cache' | 'model';
  /** Absent from the cache, and when the time was over before the first token. */
  readonly generation?: Generation;
  readonly prompt?: { readonly tokens: number; readonly repositoryTokens: number; readonly tailTokens: number };
}

/** Blocks beyond this are read by nobody; models without the text behind the cursor lose the thread sooner. */
const mostLines = { fillInTheMiddle: 16, prefixOnly: 8 };
/** Tokens of a context that are kept free for the path line and the model's special tokens. */
const reservedTokens = 64;

export class Completer {
  readonly #cache = new SuggestionCache();

  /** @throws EngineError CANCELLED when the signal aborts; the engine's others */
  async complete(engine: Engine, input: CompletionInput): Promise<CompletionOutcome> {
    const deadline = startTimer(input.timeBudgetMs);
    try {
      throwIfAborted(input.signal);
      const known = this.#cache.find(input);
      if (known !== undefined) {
        return { text: known, from: 'cache' };
      }
      const prompt = await makePrompt(engine, input);
      throwIfAborted(input.signal);
      const { generation, text } = await decode(engine, prompt, input, deadline);
      const result = filterCompletion(text, prompt.cursor);
      // what the clock cut short is decoded further when it is asked for again
      if (generation !== undefined && !deadline.over) {
        this.#cache.add(input, result);
      }
      return {
        text: result,
        from: 'model',
        prompt: {
          tokens: prompt.tokens.length,
          repositoryTokens: prompt.repositoryTokens,
          tailTokens: prompt.tailTokens,
        },
        ...(generation === undefined ? {} : { generation }),
      };
    } finally {
      deadline.stop();
    }
  }

  /**
   * Feeds the prompt and decodes nothing, so that a later request for this document finds it in the KV.
   * @throws EngineError as complete
   */
  async feed(engine: Engine, input: CompletionInput): Promise<void> {
    const { tokens } = await makePrompt(engine, input);
    throwIfAborted(input.signal);
    const sampling = { temperature: 0, topK: 1, topP: 1, seed: 0 };
    await engine.generate({ sequence: 'inline', tokens, maxTokens: 0, sampling, signal: input.signal });
  }

  /** Another model would say something else. */
  clearCache(): void {
    this.#cache.clear();
  }
}

async function makePrompt(engine: Engine, input: CompletionInput): Promise<Prompt> {
  const room = engine.contextTokens - input.settings.maxTokens - reservedTokens;
  const tailTokens = Math.min(input.settings.tailTokens, room);
  if (tailTokens < 16) {
    throw new EngineError('CONTEXT_FULL', `A context of ${engine.contextTokens} tokens is too small for completions.`);
  }
  const form = fileForm(engine.model.tokens);
  const mostTokens = Math.min(input.settings.repositoryTokens, room - tailTokens);
  const files = mostTokens > 0 ? await input.packFiles(form, mostTokens) : { form, tokens: [] };
  const pathLine = form === 'separator' ? input.path : commentPathLine(input.path);
  return buildPrompt(engine, { ...input, pathLine, files, tailTokens });
}

interface Decoded {
  readonly text: string;
  readonly generation: Generation | undefined;
}

async function decode(engine: Engine, prompt: Prompt, input: CompletionInput, deadline: Deadline): Promise<Decoded> {
  const stopContext = makeStopContext(prompt);
  let kept = '';
  let stopped = false;
  const keep = (whole: string): boolean => {
    const decision = applyStopRules(withoutFirstSpace(whole, prompt), stopContext);
    kept = decision.text;
    stopped = decision.stop;
    return stopped;
  };
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
      sampling: { temperature: 0, topK: 1, topP: 1, seed: input.seed ?? 0 },
      stopTokens: partTokens(engine),
      signal: AbortSignal.any([input.signal, late.signal]),
      onText: (_delta, whole) => (keep(whole) || deadline.over ? 'stop' : 'continue'),
    });
    return { text: stopped ? kept : withoutHalfLine(kept, generation, stopContext), generation };
  } catch (error) {
    if (isCancelled(error) && late.signal.aborted && !input.signal.aborted) {
      return { text: '', generation: undefined };
    }
    throw input.signal.aborted ? cancelled() : error;
  }
}

function makeStopContext(prompt: Prompt): StopContext {
  const { cursor, fillInTheMiddle } = prompt;
  return {
    shape: completionShape(cursor, fillInTheMiddle),
    nextLine: cursor.nextLine,
    mostLines: fillInTheMiddle ? mostLines.fillInTheMiddle : mostLines.prefixOnly,
  };
}

function withoutFirstSpace(whole: string, prompt: Prompt): string {
  return prompt.withoutSpace && whole.startsWith(' ') ? whole.slice(1) : whole;
}

/** Tokens that begin another part of a fill-in-the-middle prompt end this one. */
function partTokens(engine: Engine): number[] {
  const { fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator } = engine.model.tokens;
  return [fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator].filter((token) => token !== undefined);
}

/** A block that was cut by the length or the time ends with its last whole line, if it has one. */
function withoutHalfLine(text: string, generation: Generation, context: StopContext): string {
  if (context.shape.lines === 'one' || generation.reason === 'stop-token') {
    return text;
  }
  const newline = text.lastIndexOf('\n');
  const whole = newline === -1 ? '' : text.slice(0, newline);
  return whole.trim() === '' ? text : whole;
}

interface Deadline {
  readonly over: boolean;
  onOver(action: () => void): void;
  stop(): void;
}

function startTimer(milliseconds: number): Deadline {
  let over = false;
  let action: (() => void) | undefined;
  const end = () => {
    over = true;
    action?.();
  };
  const timer = milliseconds > 0 ? setTimeout(end, milliseconds) : undefined;
  return {
    get over() {
      return over;
    },
    onOver(next) {
      action = next;
      if (over) {
        next();
      }
    },
    stop: () => clearTimeout(timer),
  };
}
