/** `textDocument/inlineCompletion`: an answer for a cursor, empty when there is none. Never an error while typing. */

import type { InlineCompletionList } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Completer, CompletionInput, CompletionOutcome } from './completion/complete';
import type { Engine } from './engine/engine';
import type { ModelHost } from './engine/model-host';
import type { DocumentPosition } from './params';
import type { ServerSettings } from './protocol';
import { withEnding } from './repository/path-line';
import type { Workspace } from './workspace';

export interface InlineCompletionParts {
  readonly host: ModelHost;
  readonly completer: Completer;
  readonly workspace: Workspace;
}

export const noCompletion: InlineCompletionList = { items: [] };

/** What keeps a place without a completion before any model is asked; undefined: nothing. */
export function whyNone(
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

/** @throws EngineError when the model is not there, and when the signal aborts */
export async function completeAt(
  { host, completer, workspace }: InlineCompletionParts,
  document: TextDocument,
  position: DocumentPosition,
  settings: ServerSettings['completion'],
  signal: AbortSignal,
): Promise<CompletionOutcome> {
  const started = performance.now();
  const engine = await host.ready(AbortSignal.any([signal, AbortSignal.timeout(settings.timeBudgetMs)]));
  return host.whileBusy(() =>
    completer.complete(engine, {
      ...inputOf(engine, workspace, document),
      // a character behind the end of its line means the end, as LSP has it
      offset: document.offsetAt(position),
      settings,
      timeBudgetMs: Math.max(1, settings.timeBudgetMs - (performance.now() - started)),
      signal,
    }),
  );
}

/** Feeds the prompt of a completion at a place and decodes nothing. @throws EngineError as completeAt */
export async function feedAhead(
  { host, completer, workspace }: InlineCompletionParts,
  engine: Engine,
  document: TextDocument,
  position: DocumentPosition,
  settings: ServerSettings['completion'],
  signal: AbortSignal,
): Promise<void> {
  const offset = document.offsetAt(position);
  const input = { ...inputOf(engine, workspace, document), offset, settings, timeBudgetMs: 0, signal };
  await host.whileBusy(() => completer.feed(engine, input));
}

function inputOf(
  engine: Engine,
  workspace: Workspace,
  document: TextDocument,
): Omit<CompletionInput, 'offset' | 'settings' | 'timeBudgetMs' | 'signal'> {
  const place = workspace.place(document.uri);
  const { repository, file } = place;
  const text = document.getText();
  return {
    uri: document.uri,
    path: withEnding(place.path, document.languageId),
    repositoryName: repository?.name ?? '',
    text,
    packFiles: async (form, mostTokens) => {
      if (repository === undefined || file === undefined) {
        return { form, tokens: [] };
      }
      workspace.use(repository);
      return repository.pack(engine, file, text, form, mostTokens);
    },
  };
}

export function toList(outcome: CompletionOutcome, { line, character }: DocumentPosition): InlineCompletionList {
  if (outcome.text === '') {
    return noCompletion;
  }
  const at = { line, character };
  return { items: [{ insertText: outcome.text, range: { start: at, end: at } }] };
}
