/** Offers the model in the editor's own chat: as a language model to choose, and as the participant `@fasa`. */

import * as vscode from 'vscode';
import { visible } from '../../language-server/protocol/hidden';
import { type AskCommand, type AskTurn, askCommands, type Citation } from '../../language-server/protocol/server';
import { AnswerAfterThought, withoutFirstThought } from '../../language-server/protocol/thoughts';
import { describeError } from '../errors';
import type { LanguageServer } from '../server/client';
import { openDocument, placeName, rangeName } from '../workspace-paths';
import type { ChatEngine, Question } from './engine';
import { boundMessages, countedPieces, recentHistory } from './native-request';
import { type Attachment, type BoundedContext, boundContext, checkQuestion } from './question/question-context';
import { sizeView } from './views';

const vendor = 'fasa';
const participantId = 'fasa.participant';

const answerTokens = 1024;
const onlyThought = 'The model spent its whole answer on thinking. Ask for something smaller, or ask again.';
/** The maximum time that counting waits for a model that is being loaded. */
const countLimitMs = 30_000;

export function createNativeChat(
  engine: ChatEngine,
  server: LanguageServer,
  output: vscode.LogOutputChannel,
): vscode.Disposable {
  return vscode.Disposable.from(registerModel(engine, server), registerParticipant(engine, output));
}

function registerModel(engine: ChatEngine, server: LanguageServer): vscode.Disposable {
  const changes = new vscode.EventEmitter<void>();
  const model = () => server.view.status?.model;
  let shown = model()?.name;
  const follow = server.onDidChange(() => {
    if (model()?.name !== shown) {
      shown = model()?.name;
      changes.fire();
    }
  });
  const provider: vscode.LanguageModelChatProvider = {
    onDidChangeLanguageModelChatInformation: changes.event,
    provideLanguageModelChatInformation: () => {
      const loaded = model();
      if (!loaded) {
        return [];
      }
      const context = server.view.status?.cache?.contextTokens ?? loaded.trainedContext;
      const max = Math.min(answerTokens, Math.floor(context / 4));
      return [
        {
          id: 'local',
          name: `${loaded.name} (FASA Code)`,
          family: loaded.architecture,
          version: loaded.quantization,
          tooltip: 'Runs locally; no data leaves this machine. Does not support tool calling.',
          maxInputTokens: context - max,
          maxOutputTokens: max,
          // the editor's chat starts in a mode that hides models without tool calling; the tools it offers are not called
          capabilities: { toolCalling: true },
        },
      ];
    },
    provideLanguageModelChatResponse: async (_model, messages, _options, progress, token) => {
      const asked = messages.map((message) => ({ role: roleOf(message), text: textOf(message) }));
      await stoppable(token, (signal) =>
        engine.chat(
          { messages: boundMessages(asked) },
          (text) => progress.report(new vscode.LanguageModelTextPart(text)),
          signal,
        ),
      );
    },
    provideTokenCount: async (_model, text, token) => {
      const content = typeof text === 'string' ? text : textOf(text);
      const { counts } = await stoppable(token, (signal) =>
        engine.countTokens(countedPieces(content), AbortSignal.any([signal, AbortSignal.timeout(countLimitMs)])),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
  return vscode.Disposable.from(vscode.lm.registerLanguageModelChatProvider(vendor, provider), follow, changes);
}

function registerParticipant(engine: ChatEngine, output: vscode.LogOutputChannel): vscode.Disposable {
  const participant = vscode.chat.createChatParticipant(participantId, async (request, context, stream, token) => {
    const command = askCommands.find((name) => name === request.command);
    const answer = new AnswerAfterThought();
    try {
      checkQuestion(request.prompt);
      const bounded = await contextOf(request, command);
      const question = questionOf(request, command, bounded, context.history);
      const result = await stoppable(token, (signal) =>
        engine.ask(question, { onText: (text) => stream.markdown(plain(answer.push(text))) }, signal),
      );
      if (withoutFirstThought(result.text).trim() === '') {
        stream.markdown(result.text.trim() === '' ? 'The model returned no answer.' : onlyThought);
      }
      showCitations(stream, result.citations);
      const parts = result.size === undefined ? bounded.left : sizeView(result.size, bounded.left).parts;
      const cut = parts.filter(({ reason }) => reason !== undefined);
      if (cut.length > 0) {
        const names = cut.map(({ label, reason }) => `${visible(label)} (${visible(reason ?? '')})`).join(', ');
        stream.progress(`Left out or cut: ${names}`);
      }
      return {};
    } catch (error) {
      if (token.isCancellationRequested) {
        return {};
      }
      output.warn(`The question to @fasa failed: ${describeError(error)}`);
      return { errorDetails: { message: describeError(error) } };
    }
  });
  participant.iconPath = new vscode.ThemeIcon('chip');
  return participant;
}

async function contextOf(request: vscode.ChatRequest, command: AskCommand | undefined): Promise<BoundedContext> {
  const references: { readonly uri: string }[] = [];
  const attachments: Attachment[] = [];
  const unread: { readonly label: string; readonly reason: string }[] = [];
  for (const { value } of request.references) {
    if (value instanceof vscode.Uri) {
      references.push({ uri: value.toString() });
    } else if (value instanceof vscode.Location) {
      const label = rangeName(value.uri, value.range);
      try {
        const document = await openDocument(value.uri);
        attachments.push({ label, text: document.getText(value.range), uris: [value.uri.toString()] });
      } catch (error) {
        unread.push({ label, reason: `cannot be read: ${describeError(error)}` });
      }
    } else if (typeof value === 'string') {
      attachments.push({ label: 'Attached text', text: value });
    }
  }
  const editor = vscode.window.activeTextEditor;
  const selection =
    command !== undefined && editor !== undefined && !editor.selection.isEmpty
      ? { uri: editor.document.uri.toString(), text: editor.document.getText(editor.selection) }
      : undefined;
  if (command !== undefined && selection === undefined && references.length + attachments.length === 0 && editor) {
    references.push({ uri: editor.document.uri.toString() });
  }
  return boundContext({
    chips: [],
    references,
    attachments,
    unread,
    ...(selection === undefined ? {} : { selection }),
  });
}

function questionOf(
  request: vscode.ChatRequest,
  command: AskCommand | undefined,
  { references, attachments, selection }: BoundedContext,
  history: vscode.ChatContext['history'],
): Question {
  return {
    conversation: 'native',
    // a mention of the participant alone is answered as well
    question: request.prompt.trim() === '' && command === undefined ? 'What is this repository?' : request.prompt,
    references,
    attachments,
    history: recentHistory(turnsOf(history)),
    ...(command === undefined ? {} : { command }),
    ...(selection === undefined ? {} : { selection }),
    ...(vscode.workspace.isTrusted ? {} : { openOnly: true }),
  };
}

function turnsOf(history: vscode.ChatContext['history']): AskTurn[] {
  const turns: AskTurn[] = [];
  for (const [index, turn] of history.entries()) {
    const before = history[index - 1];
    if (turn instanceof vscode.ChatResponseTurn && before instanceof vscode.ChatRequestTurn) {
      const answer = turn.response
        .map((part) => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ''))
        .join('');
      const question = before.prompt.trim() === '' ? `/${before.command ?? ''}` : before.prompt;
      turns.push({ question, answer });
    }
  }
  return turns.filter(({ answer }) => answer !== '');
}

function showCitations(stream: vscode.ChatResponseStream, citations: readonly Citation[]): void {
  if (citations.length === 0) {
    return;
  }
  stream.markdown('\n\nSources:\n');
  for (const { uri, range, share } of citations) {
    const place = vscode.Uri.parse(uri);
    const { start, end } = range;
    const lines = new vscode.Range(start.line, start.character, end.line, end.character);
    stream.markdown('\n- ');
    stream.anchor(new vscode.Location(place, lines), placeName(place));
    stream.markdown(` ${(share * 100).toFixed(1)} %`);
  }
}

/** The model's text without HTML and command links, and with hidden characters made visible. */
function plain(text: string): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString(visible(text));
  markdown.isTrusted = false;
  markdown.supportHtml = false;
  return markdown;
}

function roleOf({ role }: vscode.LanguageModelChatRequestMessage): 'system' | 'user' | 'assistant' {
  // newer versions of the editor send system messages with role 3
  return role === vscode.LanguageModelChatMessageRole.Assistant ? 'assistant' : Number(role) === 3 ? 'system' : 'user';
}

/** Joins text parts and the text of tool results. The model cannot read other parts. */
function textOf({ content }: vscode.LanguageModelChatRequestMessage): string {
  const texts = content.map((part) => {
    if (part instanceof vscode.LanguageModelTextPart) {
      return part.value;
    }
    if (part instanceof vscode.LanguageModelToolResultPart) {
      return part.content.map((inner) => (inner instanceof vscode.LanguageModelTextPart ? inner.value : '')).join('');
    }
    return '';
  });
  return texts.join('');
}

async function stoppable<T>(token: vscode.CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const subscription = token.onCancellationRequested(() => controller.abort());
  if (token.isCancellationRequested) {
    controller.abort();
  }
  try {
    return await work(controller.signal);
  } finally {
    subscription.dispose();
  }
}
