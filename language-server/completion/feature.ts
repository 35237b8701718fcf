/** Completions as a feature of the server: suggestions at the cursor, and what is prefilled ahead of them. */

import type { ServerCapabilities } from 'vscode-languageserver/node';
import type { WorkspaceIndex } from '../index/workspace-index';
import { documentPosition } from '../lsp/check-params';
import type { Feature, FeatureServices, Requests } from '../lsp/feature';
import { focusNotification, type ServerSettings } from '../protocol/server';
import { type CompletionAnswer, InlineCompletions } from './inline-completion';
import { inlineCompletionRequest } from './params';
import { WarmUp } from './trigger/warm-up';

export class CompletionFeature implements Feature {
  readonly #services: FeatureServices;
  readonly #inline: InlineCompletions;
  readonly #warmUp: WarmUp;

  /** @param onAnswered hears what became of each request: benchmarks count them */
  constructor(services: FeatureServices, index: WorkspaceIndex, onAnswered?: (answer: CompletionAnswer) => void) {
    const { host, documents, log, status, settings } = services;
    this.#services = services;
    this.#inline = new InlineCompletions({
      host,
      context: index,
      documents,
      log,
      settings: () => settings().completion,
      noteRequest: (generation) => status.noteRequest('inline', generation),
      noteSlow: (slow) => status.noteSlow(slow),
      onAnswered,
    });
    this.#warmUp = new WarmUp({
      ready: (signal) => host.ready(signal),
      prefill: (engine, at, signal) => this.#inline.prefillAhead(engine, at, signal),
      log,
    });
  }

  register(requests: Requests): void {
    requests.onUrgent('textDocument/inlineCompletion', (params, signal) => this.#answer(params, signal));
    requests.connection.onNotification(focusNotification, (params: unknown) => this.#focused(params));
    const { documents } = this.#services;
    documents.onDidEdit((edit) => this.#inline.edited(edit));
    documents.onDidClose((uri) => this.#inline.closed(uri));
  }

  initialize(): ServerCapabilities {
    return { inlineCompletionProvider: true };
  }

  configure(settings: ServerSettings, before: ServerSettings): void {
    if (keyOf(settings) !== keyOf(before)) {
      this.#inline.clearCache();
    }
  }

  requestStarted(): void {
    this.#warmUp.end();
  }

  pause(): void {
    this.shutdown();
  }

  shutdown(): void {
    this.#warmUp.end();
    this.#inline.stop();
  }

  #answer(params: unknown, signal: AbortSignal): Promise<unknown> {
    const request = inlineCompletionRequest(params);
    const { uri, selected } = request;
    const { documents } = this.#services;
    return this.#inline.answer(
      {
        ...documents.position(uri, request),
        ...(selected === undefined
          ? {}
          : {
              selected: {
                text: selected.text,
                start: documents.position(uri, selected.start),
                end: documents.position(uri, selected.end),
              },
            }),
      },
      signal,
    );
  }

  #focused(params: unknown): void {
    const { documents, log } = this.#services;
    try {
      const at = documentPosition(params);
      void this.#warmUp.focused(documents.position(at.uri, at));
    } catch (error) {
      log.warn(`${focusNotification}: ${String(error)}`); // a notification has no answer to say it in
    }
  }
}

/** The settings that a suggestion depends on: another model, or other limits, would suggest something else. */
function keyOf({ repository, ...rest }: ServerSettings): string {
  return JSON.stringify([rest, repository.diskGigabytes, repository.precision]);
}
