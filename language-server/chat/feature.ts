/** The chat as a feature of the server: questions about the repository, the editor's own chat, and token counts. */

import { ProgressType } from 'vscode-languageserver/node';
import { toLf, wellFormed } from '../base/text';
import type { WorkspaceIndex } from '../index/workspace-index';
import type { Feature, FeatureServices, Requests } from '../lsp/feature';
import {
  type AskResult,
  type AskSize,
  askRequest,
  askSizeRequest,
  type ChatResult,
  type CountTokensResult,
  chatRequest,
  countTokensRequest,
} from '../protocol/server';
import { Chat } from './ask';
import { answerMessages } from './messages';
import { askParams, chatParams, countTokensParams } from './params';
import { closeTemplates } from './template/template';

/** A part of an answer, or how much of its prompt was read: 0 to 1. */
interface AnswerPart {
  readonly text: string;
  readonly read?: number;
}

const partialAnswer = new ProgressType<AnswerPart>();
/** Milliseconds between two reports on how much of a prompt is read. */
const minMsBetweenReads = 200;

export class ChatFeature implements Feature {
  readonly #services: FeatureServices;
  readonly #chat: Chat;
  #connection: Requests['connection'] | undefined;

  constructor(services: FeatureServices, index: WorkspaceIndex) {
    this.#services = services;
    this.#chat = new Chat(index.folders, (uris, text) => index.chunksForQuestion(uris, text));
  }

  register(requests: Requests): void {
    this.#connection = requests.connection;
    requests.onUrgent(askRequest, (params, signal) => this.#ask(params, signal));
    requests.on(askSizeRequest, (params, signal) => this.#askSize(params, signal));
    requests.onUrgent(chatRequest, (params, signal) => this.#answerMessages(params, signal));
    requests.on(countTokensRequest, (params, signal) => this.#countTokens(params, signal));
  }

  shutdown(): void {
    closeTemplates();
  }

  async #ask(params: unknown, signal: AbortSignal): Promise<AskResult> {
    const { partialResultToken: token, ...question } = askParams(params);
    const { host, status } = this.#services;
    const engine = await host.ready(signal);
    let reportedAt = 0;
    const { generation, size, citations } = await host.whileBusy(() =>
      this.#chat.ask(engine, {
        ...question,
        signal,
        openText: this.#openText,
        onText: (text) => this.#sendPart(token, { text }),
        onProgress: (read) => {
          if (performance.now() - reportedAt > minMsBetweenReads) {
            reportedAt = performance.now();
            this.#sendPart(token, { text: '', read });
          }
        },
      }),
    );
    return { text: generation.text, citations, stats: status.noteRequest('chat', generation), size };
  }

  async #askSize(params: unknown, signal: AbortSignal): Promise<AskSize> {
    const { partialResultToken: _token, ...question } = askParams(params);
    const engine = await this.#services.host.ready(signal);
    return this.#chat.size(engine, { ...question, signal, openText: this.#openText });
  }

  async #answerMessages(params: unknown, signal: AbortSignal): Promise<ChatResult> {
    const { partialResultToken: token, ...asked } = chatParams(params);
    const { host, status } = this.#services;
    const engine = await host.ready(signal);
    const generation = await host.whileBusy(() =>
      answerMessages(engine, { ...asked, signal, onText: (text) => this.#sendPart(token, { text }) }),
    );
    return { text: generation.text, stats: status.noteRequest('chat', generation) };
  }

  async #countTokens(params: unknown, signal: AbortSignal): Promise<CountTokensResult> {
    const texts = countTokensParams(params);
    const engine = await this.#services.host.ready(signal);
    return { counts: texts.map((text) => engine.tokenize(wellFormed(toLf(text))).length) };
  }

  readonly #openText = (uri: string): string | undefined => this.#services.documents.get(uri)?.getText();

  #sendPart(token: string | number | undefined, part: AnswerPart): void {
    if (token !== undefined) {
      void this.#connection?.sendProgress(partialAnswer, token, part);
    }
  }
}
