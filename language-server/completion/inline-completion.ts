/** `textDocument/inlineCompletion`: answers for a cursor, none when there is nothing. Never an error while typing. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { InlineCompletionItem, InlineCompletionList } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { cancelled, isCancelled, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { Engine, Generation } from '../engine/engine';
import type { ModelHost } from '../engine/model-host';
import { withEnding } from '../index/chunk/path-line';
import type { WorkspaceIndex } from '../index/workspace-index';
import type { DocumentPosition } from '../lsp/check-params';
import type { DocumentEdit, Documents } from '../lsp/documents';
import type { ServerSettings, SlowStatus } from '../protocol/server';
import {
  CompletionGenerator,
  type CompletionInput,
  type CompletionOutcome,
  type PreparedPrompt,
} from './completion-generator';
import type { InlineCompletionRequest } from './params';
import { maxCharsPerToken } from './prompt/prompt';
import { Scheduler } from './scheduler';
import { ShownSuggestions } from './shown-suggestions';
import type { CachedPlace, Suggestion } from './suggestion-cache';
import { Syntax } from './syntax/syntax';
import { debounceMs, TypingPace } from './trigger/debounce';
import { LatencyWatch } from './trigger/latency-watch';
import { placeAt, skipReason } from './trigger/skip-reason';

interface InlineCompletionParts {
  readonly host: ModelHost;
  readonly context: WorkspaceIndex;
  readonly documents: Documents;
  readonly log: Log;
  readonly settings: () => ServerSettings['completion'];
  readonly noteRequest: (generation: Generation) => void;
  readonly noteSlow: (slow: SlowStatus | undefined) => void;
  /** Called once for each request that was answered or cancelled: benchmarks count them. */
  readonly onAnswered?: ((answer: CompletionAnswer) => void) | undefined;
}

/** What became of a request; `late` is one that the model did not finish within the time budget. */
export type CompletionAnswer = 'unavailable' | 'skipped' | 'cache' | 'model' | 'late' | 'cancelled' | 'failed';

/** What the model is to go on with: a document, or the cells of a notebook, with the selected item in its place. */
interface View {
  readonly uri: string;
  readonly text: string;
  readonly offset: number;
}

const noCompletion: InlineCompletionList = { items: [] };

/** How many are offered on request. */
const candidates = 3;
const maxTypedChars = 2;
const secretMarginChars = 4096;

export class InlineCompletions {
  readonly #parts: InlineCompletionParts;
  readonly #generator: CompletionGenerator;
  readonly #scheduler = new Scheduler();
  readonly #shownSuggestions = new ShownSuggestions();
  readonly #pace = new TypingPace();
  readonly #latency = new LatencyWatch();
  #ahead: AbortController | undefined;
  #lastReason = '';

  constructor(parts: InlineCompletionParts) {
    this.#parts = parts;
    this.#generator = new CompletionGenerator(new Syntax({ onProblem: (problem) => parts.log.warn(problem) }));
  }

  /** @throws EngineError CANCELLED when the signal aborts; nothing else */
  async answer(request: InlineCompletionRequest, signal: AbortSignal): Promise<InlineCompletionList> {
    const settings = this.#parts.settings();
    const document = this.#parts.documents.get(request.uri);
    const unavailable = unavailableReason(document, request, settings);
    if (unavailable !== undefined || document === undefined) {
      this.#logReason(unavailable ?? '');
      this.#parts.onAnswered?.('unavailable');
      return noCompletion;
    }
    const view = this.#view(document, request);
    const skipped = request.invoked
      ? undefined
      : (this.#skipReason(view, settings) ?? this.#whyNotWanted(document, request));
    // the text is looked at only where something would be said
    if (skipped !== undefined || (await this.#isKeptOut(document, view))) {
      this.#parts.onAnswered?.('skipped');
      return noCompletion;
    }
    // a user who has paused it wants nothing, known or not
    const known = this.#parts.host.paused ? undefined : this.#generator.findCached(view);
    if (known !== undefined && (!request.invoked || known.length > 1)) {
      this.#parts.onAnswered?.('cache');
      return this.#offer(document, request, known);
    }
    try {
      const outcome = await this.#scheduler.inline(request.uri, signal, (own) => {
        this.#ahead?.abort();
        return this.#generate(document, view, request.invoked, settings, own);
      });
      if (outcome.generation !== undefined) {
        this.#parts.noteRequest(outcome.generation);
      }
      if (outcome.from === 'model') {
        this.#latency.note(outcome.late, settings.timeBudgetMs, outcome.generation?.stats);
        this.#parts.noteSlow(this.#latency.slow);
      }
      this.#parts.onAnswered?.(outcome.late ? 'late' : outcome.from);
      return this.#offer(document, request, outcome.suggestions);
    } catch (error) {
      // nobody wants a message per keystroke: the status says what is wrong
      const failure = toEngineError(error);
      if (isCancelled(failure) || signal.aborted) {
        this.#parts.onAnswered?.('cancelled');
      } else {
        this.#parts.onAnswered?.('failed');
        this.#logReason(`${failure.code}: ${failure.message}`);
      }
      if (signal.aborted) {
        throw cancelled();
      }
      return noCompletion;
    }
  }

  /** The user, or another extension, has changed a document. */
  edited({ document, changes }: DocumentEdit): void {
    const now = performance.now();
    const [change] = changes;
    if (changes.length === 1 && change !== undefined && change.text.length <= maxTypedChars) {
      this.#pace.typed(now);
    }
    const accepted = this.#shownSuggestions.edited(document.uri, document.getText(), now);
    if (accepted !== undefined) {
      // after the change was taken in: what follows is read while the user reads what he accepted
      setTimeout(() => void this.#prefetch(document.uri, document.version, accepted), 0);
    }
  }

  closed(uri: string): void {
    this.#shownSuggestions.closed(uri);
  }

  /** Prefills the prompt of a completion at a place and decodes nothing. @throws EngineError as CompletionGenerator.prefill */
  async prefillAhead(engine: Engine, at: DocumentPosition, signal: AbortSignal): Promise<void> {
    const settings = this.#parts.settings();
    const document = this.#parts.documents.get(at.uri);
    if (document === undefined || unavailableReason(document, at, settings) !== undefined) {
      return;
    }
    const view = this.#view(document, { ...at, invoked: false });
    if (await this.#isKeptOut(document, view)) {
      return;
    }
    const input = { ...this.#inputOf(document, view), settings, timeBudgetMs: 0, signal };
    await this.#parts.host.whileBusy(() => this.#generator.prefill(engine, input));
  }

  /** Settings that completions depend on have changed: another model would say something else. */
  clearCache(): void {
    this.#generator.clearCache();
    this.#latency.clear();
    this.#parts.noteSlow(undefined);
  }

  /** Ends what is done ahead. */
  stop(): void {
    this.#ahead?.abort();
  }

  async #generate(
    document: TextDocument,
    view: View,
    invoked: boolean,
    settings: ServerSettings['completion'],
    signal: AbortSignal,
  ): Promise<CompletionOutcome> {
    const started = performance.now();
    const { host } = this.#parts;
    const engine = await host.ready(AbortSignal.any([signal, AbortSignal.timeout(settings.timeBudgetMs)]));
    return host.whileBusy(async () => {
      const input = { ...this.#inputOf(document, view), settings, signal };
      const { answerMs } = this.#generator.speed;
      const longestWait = settings.timeBudgetMs / 4;
      const wait = invoked ? 0 : Math.min(longestWait, debounceMs(this.#pace, answerMs, performance.now()));
      let prepared: PreparedPrompt | undefined;
      if (wait > 0) {
        // what is prefilled meanwhile is of use whatever the next key is
        [prepared] = await Promise.all([
          this.#generator.prefill(engine, { ...input, timeBudgetMs: 0 }),
          sleep(wait, undefined, { signal }),
        ]);
      }
      const limits = {
        timeBudgetMs: Math.max(1, settings.timeBudgetMs - (performance.now() - started)),
        ...(invoked ? { candidates } : {}),
      };
      return this.#generator.generate(engine, { ...input, ...limits }, prepared);
    });
  }

  /** Never rejects. */
  async #prefetch(uri: string, version: number, offset: number): Promise<void> {
    const { documents, host, log } = this.#parts;
    const document = documents.get(uri);
    const { engine } = host;
    if (document?.version !== version || engine === undefined || host.paused) {
      return;
    }
    this.#ahead?.abort();
    const own = new AbortController();
    this.#ahead = own;
    const settings = this.#parts.settings();
    const position = document.positionAt(offset);
    const view = this.#view(document, { uri, ...position, invoked: false });
    const { timeBudgetMs } = settings;
    const input = {
      ...this.#inputOf(document, view),
      settings,
      timeBudgetMs,
      signal: own.signal,
      background: true,
    };
    try {
      if (await this.#isKeptOut(document, view)) {
        return;
      }
      if (this.#skipReason(view, settings) === undefined) {
        await this.#generator.generate(engine, input);
      } else {
        await this.#generator.prefill(engine, input);
      }
    } catch (error) {
      const failure = toEngineError(error);
      if (!isCancelled(failure)) {
        log.info(`Nothing was done ahead: ${failure.code}: ${failure.message}`);
      }
    }
  }

  /** What is near enough to the cursor to be read holds a secret, or the document is one. */
  async #isKeptOut({ uri }: TextDocument, { text, offset }: View): Promise<boolean> {
    const windowChars = this.#parts.settings().tailTokens * maxCharsPerToken;
    // a key may begin in front of what is read and end in it
    const around = windowChars + secretMarginChars;
    const near = text.slice(Math.max(0, offset - around), offset + around);
    const reason = await this.#parts.context.folders.gate.whyKeptOut({ uris: [uri], text: near });
    if (reason !== undefined) {
      this.#logReason(`${uri} is kept from the model: ${reason}`);
    }
    return reason !== undefined;
  }

  #skipReason({ text, offset }: View, { maxFileSizeKB }: ServerSettings['completion']): string | undefined {
    return skipReason(placeAt(text, offset), maxFileSizeKB);
  }

  #whyNotWanted(document: TextDocument, request: InlineCompletionRequest): string | undefined {
    return this.#shownSuggestions.isDismissed(placeOf(document, request), performance.now())
      ? 'it was not wanted here'
      : undefined;
  }

  #view(document: TextDocument, { uri, selected, ...position }: InlineCompletionRequest): View {
    const { before, after } = this.#parts.documents.around(document);
    const own = document.getText();
    // a character behind the end of its line means the end, as LSP has it
    if (selected === undefined) {
      return { uri, text: `${before}${own}${after}`, offset: before.length + document.offsetAt(position) };
    }
    const head = `${before}${own.slice(0, document.offsetAt(selected.start))}${selected.text}`;
    return { uri, text: `${head}${own.slice(document.offsetAt(selected.end))}${after}`, offset: head.length };
  }

  #inputOf(document: TextDocument, view: View): Omit<CompletionInput, 'settings' | 'timeBudgetMs' | 'signal'> {
    const { context } = this.#parts;
    const place = context.folders.place(document.uri);
    return {
      ...view,
      languageId: document.languageId,
      // a notebook is read as a program in the language of its cells
      path: withEnding(place.path.replace(/\.ipynb$/, ''), document.languageId),
      chunksFor: (around) => context.chunksFor(place, around),
    };
  }

  #offer(
    document: TextDocument,
    request: InlineCompletionRequest,
    suggestions: readonly Suggestion[],
  ): InlineCompletionList {
    const items = toItems(suggestions, request);
    if (items.length === 0) {
      return noCompletion;
    }
    if (request.selected === undefined) {
      this.#shownSuggestions.shown({ ...placeOf(document, request), suggestions }, performance.now());
    }
    const { documents } = this.#parts;
    return {
      items: items.map((item) => ({
        ...item,
        ...(item.range === undefined ? {} : { range: documents.clientRange(request.uri, item.range) }),
      })),
    };
  }

  /** Once, not for each keystroke. */
  #logReason(reason: string): void {
    if (reason !== this.#lastReason) {
      this.#lastReason = reason;
      this.#parts.log.info(`No completion: ${reason}`);
    }
  }
}

/** Without the other cells of a notebook. */
function placeOf(document: TextDocument, position: InlineCompletionRequest): CachedPlace {
  return { uri: document.uri, text: document.getText(), offset: document.offsetAt(position) };
}

/** What keeps a place without a completion before any model is asked; undefined: nothing. */
function unavailableReason(
  document: TextDocument | undefined,
  { line, uri }: DocumentPosition,
  settings: ServerSettings['completion'],
): string | undefined {
  if (document === undefined) {
    return `${uri} is not open`;
  }
  if (!settings.enabled || settings.disabledLanguages.includes(document.languageId)) {
    return 'completions are turned off';
  }
  return line >= document.lineCount ? `line ${line} is outside of ${uri} (${document.lineCount} lines)` : undefined;
}

/** In UTF-16 positions. With a selected item they extend it in its own range: editors show no others then. */
function toItems(
  suggestions: readonly Suggestion[],
  { line, character, selected }: InlineCompletionRequest,
): InlineCompletionItem[] {
  const wanted = suggestions.filter(({ text, replace }) => text !== '' && (selected === undefined || replace === 0));
  return wanted.map(({ text, replace }) => {
    if (selected !== undefined) {
      return { insertText: selected.text + text, range: { start: selected.start, end: selected.end } };
    }
    return {
      insertText: text,
      range: { start: { line, character }, end: { line, character: character + replace } },
    };
  });
}
