/** `textDocument/inlineCompletion`: answers for a cursor, none when there is nothing. Never an error while typing. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { InlineCompletionItem, InlineCompletionList } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { cancelled, isCancelled, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { Engine, Generation } from '../engine/engine';
import type { ModelHost } from '../engine/model-host';
import { withEnding } from '../index/chunk/path-line';
import type { ContextService } from '../index/context-service';
import type { CompletionCounts, ServerSettings, SlowStatus } from '../protocol/server';
import type { DocumentEdit, Documents } from '../server/documents';
import type { DocumentPosition, InlineCompletionRequest } from '../server/params';
import { Completer, type CompletionInput, type CompletionOutcome } from './complete';
import { CompletionCounters } from './counters';
import { Offers } from './offers';
import { maxCharsPerToken } from './prompt/prompt';
import { Scheduler } from './scheduler';
import type { Suggestion } from './suggestion';
import type { CachedPlace } from './suggestion-cache';
import { Syntax } from './syntax/syntax';
import { BudgetWatch } from './trigger/budget-watch';
import { debounceMs, TypingPace } from './trigger/pace';
import { whySilent } from './trigger/silence';

interface InlineCompletionParts {
  readonly host: ModelHost;
  readonly context: ContextService;
  readonly documents: Documents;
  readonly log: Log;
  readonly settings: () => ServerSettings['completion'];
  readonly noteRequest: (generation: Generation) => void;
  readonly noteSlow: (slow: SlowStatus | undefined) => void;
}

/** What the model is to go on with: a document, or the cells of a notebook, with the selected item in its place. */
interface View {
  readonly uri: string;
  readonly text: string;
  readonly offset: number;
}

const noCompletion: InlineCompletionList = { items: [] };

/** How many are offered on request. */
const candidates = 3;
/** Characters of a line that the rules of silence look at. */
const lineChars = 200;
const maxTypedChars = 2;
const secretMarginChars = 4096;

export class InlineCompletions {
  readonly #parts: InlineCompletionParts;
  readonly #counters = new CompletionCounters();
  readonly #completer: Completer;
  readonly #scheduler = new Scheduler();
  readonly #offers = new Offers();
  readonly #pace = new TypingPace();
  readonly #budget = new BudgetWatch();
  #ahead: AbortController | undefined;
  #lastReason = '';

  constructor(parts: InlineCompletionParts) {
    this.#parts = parts;
    this.#completer = new Completer(this.#counters, new Syntax({ onProblem: (problem) => parts.log.warn(problem) }));
  }

  get counts(): CompletionCounts {
    return this.#counters.counts;
  }

  /** @throws EngineError CANCELLED when the signal aborts; nothing else */
  async answer(request: InlineCompletionRequest, signal: AbortSignal): Promise<InlineCompletionList> {
    this.#counters.request();
    const settings = this.#parts.settings();
    const document = this.#parts.documents.get(request.uri);
    const none = whyNone(document, request, settings);
    if (none !== undefined || document === undefined) {
      this.#logReason(none ?? '');
      return noCompletion;
    }
    const view = this.#view(document, request);
    const silent = request.invoked
      ? undefined
      : (this.#whySilent(view, settings) ?? this.#whyNotWanted(document, request));
    // the text is looked at only where something would be said
    if (silent !== undefined || (await this.#isKeptOut(document, view))) {
      this.#counters.note('silent');
      return noCompletion;
    }
    // a user who has paused it wants nothing, known or not
    const known = this.#parts.host.paused ? undefined : this.#completer.find(view);
    if (known !== undefined && (!request.invoked || known.length > 1)) {
      this.#counters.note('fromCache');
      return this.#offer(document, request, known);
    }
    try {
      const outcome = await this.#scheduler.inline(request.uri, signal, (own) => {
        this.#ahead?.abort();
        return this.#complete(document, view, request.invoked, settings, own);
      });
      if (outcome.generation !== undefined) {
        this.#parts.noteRequest(outcome.generation);
      }
      if (outcome.late) {
        this.#counters.note('late');
      }
      if (outcome.from === 'model') {
        this.#budget.note(outcome.late, settings.timeBudgetMs, outcome.generation?.stats);
        this.#parts.noteSlow(this.#budget.slow);
      }
      return this.#offer(document, request, outcome.suggestions);
    } catch (error) {
      // nobody wants a message per keystroke: the status says what is wrong
      const failure = toEngineError(error);
      if (isCancelled(failure) || signal.aborted) {
        this.#counters.note('cancelled');
      } else {
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
    const accepted = this.#offers.edited(document.uri, document.getText(), now);
    if (accepted !== undefined) {
      // after the change was taken in: what follows is read while the user reads what he accepted
      setTimeout(() => void this.#prefetch(document.uri, document.version, accepted), 0);
    }
  }

  closed(uri: string): void {
    this.#offers.closed(uri);
  }

  /** Feeds the prompt of a completion at a place and decodes nothing. @throws EngineError as Completer.feed */
  async feedAhead(engine: Engine, at: DocumentPosition, signal: AbortSignal): Promise<void> {
    const settings = this.#parts.settings();
    const document = this.#parts.documents.get(at.uri);
    if (document === undefined || whyNone(document, at, settings) !== undefined) {
      return;
    }
    const view = this.#view(document, { ...at, invoked: false });
    if (await this.#isKeptOut(document, view)) {
      return;
    }
    const input = { ...this.#inputOf(document, view), settings, timeBudgetMs: 0, signal };
    await this.#parts.host.whileBusy(() => this.#completer.feed(engine, input));
  }

  /** Settings that completions depend on have changed: another model would say something else. */
  clearCache(): void {
    this.#completer.clearCache();
    this.#budget.clear();
    this.#parts.noteSlow(undefined);
  }

  /** Ends what is done ahead. */
  stop(): void {
    this.#ahead?.abort();
  }

  async #complete(
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
      const { answerMs } = this.#completer.speed;
      const longestWait = settings.timeBudgetMs / 4;
      const wait = invoked ? 0 : Math.min(longestWait, debounceMs(this.#pace, answerMs, performance.now()));
      if (wait > 0) {
        // what is fed meanwhile is of use whatever the next key is
        await Promise.all([
          sleep(wait, undefined, { signal }),
          this.#completer.feed(engine, { ...input, timeBudgetMs: 0 }),
        ]);
      }
      return this.#completer.complete(engine, {
        ...input,
        timeBudgetMs: Math.max(1, settings.timeBudgetMs - (performance.now() - started)),
        ...(invoked ? { candidates } : {}),
      });
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
      if (this.#whySilent(view, settings) === undefined) {
        await this.#completer.complete(engine, input);
      } else {
        await this.#completer.feed(engine, input);
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
    const reason = await this.#parts.context.workspace.gate.whyKeptOut({ uris: [uri], text: near });
    if (reason !== undefined) {
      this.#logReason(`${uri} is kept from the model: ${reason}`);
    }
    return reason !== undefined;
  }

  #whySilent(view: View, { maxFileSizeKB }: ServerSettings['completion']): string | undefined {
    const { text, offset } = view;
    const before = text.slice(Math.max(0, offset - lineChars), offset);
    const after = text.slice(offset, offset + lineChars);
    const place = {
      linePrefix: before.slice(before.lastIndexOf('\n') + 1),
      lineSuffix: /^[^\r\n]*/.exec(after)?.[0] ?? '',
      documentLength: text.length,
    };
    return whySilent(place, maxFileSizeKB);
  }

  #whyNotWanted(document: TextDocument, request: InlineCompletionRequest): string | undefined {
    return this.#offers.isDismissed(placeOf(document, request), performance.now())
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
    const place = context.workspace.place(document.uri);
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
      this.#offers.shown({ ...placeOf(document, request), suggestions }, performance.now());
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
function whyNone(
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
