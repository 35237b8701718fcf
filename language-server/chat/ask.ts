/** Answers questions about the repository: packs files and earlier turns into the context, and streams the answer. */

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError, throwIfAborted } from '../base/errors';
import { toLf, wellFormed } from '../base/text';
import type { EncodedChunk, Engine, Generation, RetrievedChunk } from '../engine/engine';
import { prependAnchor } from '../engine/native/token-parts';
import type { SourceFile } from '../index/discover/source-files';
import type { ContextChunk } from '../index/encode/context-chunk';
import type { WorkspaceFolders } from '../index/workspace-folders';
import type { AskAttachment, AskParams, AskSelection, AskSize, Citation } from '../protocol/server';
import { withoutFirstThought } from '../protocol/thoughts';
import { isLoop, OpenedThought } from './answer-text';
import { chooseFiles, filesBelow } from './choose-files';
import { citationsOf, type TextPlace } from './citations';
import { Conversations } from './conversations';
import { TextFitter } from './fit';
import { type AskPlan, type PromptFile, type PromptQuestion, planAsk, type QuestionFiles } from './prompt';
import { attendedTexts, isInPrompt, textsInPrompt } from './prompt-texts';
import { chatPrompt, prepareChatPrompt } from './template/template';

interface AskInput extends Omit<AskParams, 'partialResultToken'> {
  readonly signal: AbortSignal;
  /** The live text of a document that is open in the editor. */
  readonly openText: (uri: string) => string | undefined;
}

interface AskRun extends AskInput {
  /** Gets each piece of the answer as it is decoded. */
  readonly onText: (delta: string) => void;
  /** Gets the share of the prompt that is prefilled, from 0 to 1. */
  readonly onProgress?: (share: number) => void;
  readonly seed?: number;
}

interface Answer {
  readonly generation: Generation;
  /** The sources that the answer attended to: retrieved chunks, and the files and the selection in the prompt. */
  readonly citations: readonly Citation[];
  readonly size: AskSize;
}

type Refused = QuestionFiles['refused'][number];

/** Retrieves encoded chunks for a question, from the workspace folder of the first of these documents. */
type ChunksForQuestion = (uris: readonly string[], text: string) => readonly RetrievedChunk[];

const notTrusted = 'not open, and the workspace is not trusted';
/** Of an open document, so many characters are read. */
const maxOpenChars = 512 * 1024;

export class Chat {
  readonly #folders: WorkspaceFolders;
  readonly #fitter = new TextFitter();
  readonly #conversations = new Conversations();
  readonly #chunksFor: ChunksForQuestion;
  #model = '';

  constructor(folders: WorkspaceFolders, chunksFor: ChunksForQuestion) {
    this.#folders = folders;
    this.#chunksFor = chunksFor;
  }

  /** @throws EngineError CANCELLED, CONTEXT_FULL, BAD_TEMPLATE, the engine's others */
  async ask(engine: Engine, input: AskRun): Promise<Answer> {
    const { kept, asked, messages, size, chunks } = await this.#plan(engine, input, true);
    if (!size.fits) {
      const tokens = size.parts.find(({ kind }) => kind === 'question')?.tokens ?? 0;
      throw new EngineError(
        'CONTEXT_FULL',
        `The question has ${tokens} tokens; with its answer it does not fit the context of ${engine.contextTokens}.`,
        { remedy: 'Ask a shorter question, or raise the number of context tokens.' },
      );
    }
    throwIfAborted(input.signal);
    const prompt = await chatPrompt(engine, messages, input.signal);
    const tokens = prependAnchor(engine, prompt.tokens);
    const opened = new OpenedThought(prompt.opensThought, input.onText);
    const generation = await engine.generate({
      sequence: 'chat',
      tokens,
      maxTokens: size.answerTokens,
      sampling: { temperature: 0.3, topK: 40, topP: 0.9, seed: input.seed ?? 1 },
      signal: input.signal,
      ...(chunks.length === 0 ? {} : { chunks }),
      countAttention: true,
      onProgress: (done, total) => input.onProgress?.(done / Math.max(1, total)),
      onText: (delta, whole) => {
        opened.push(delta);
        return isLoop(whole) ? 'stop' : 'continue';
      },
    });
    this.#conversations.remember(input.conversation, kept, {
      question: input.question.trim() === '' ? `/${input.command ?? ''}` : input.question,
      answer: opened.whole(generation.text),
      asked,
      // later turns do not see the thought
      answered: { role: 'assistant', content: engine.tokenize(withoutFirstThought(opened.whole(generation.text))) },
    });
    const { attention } = generation;
    const citations = citationsOf([
      ...(attention?.chunks ?? []).map(({ chunk, shares }) => ({ shares, place: this.#placeOf(chunk) })),
      ...attendedTexts(engine, attention?.own ?? new Float32Array(), textsInPrompt(messages, prompt, tokens)),
    ]);
    return { generation: { ...generation, text: opened.whole(generation.text) }, citations, size };
  }

  /** The size of the prompt that {@link ask} would make. @throws EngineError CANCELLED */
  async size(engine: Engine, input: AskInput): Promise<AskSize> {
    const { messages, size } = await this.#plan(engine, input, false);
    prepareChatPrompt(engine, messages);
    return size;
  }

  /** @param fresh whether to walk the folders again: a draft is sized at each pause of typing, and does without */
  async #plan(
    engine: Engine,
    input: AskInput,
    fresh: boolean,
  ): Promise<AskPlan & { readonly chunks: readonly RetrievedChunk[] }> {
    this.#forgetOtherModels(engine);
    const turns = this.#conversations.before(engine, input.conversation, input.history);
    const encoded =
      engine.chunks === undefined || input.openOnly === true ? [] : this.#chunksFor(documentsOf(input), textOf(input));
    const retrieved = new Set(encoded.flatMap(({ chunk }) => this.#sourceOf(chunk)?.file ?? []));
    const files = await this.#files(input, turns.length === 0, retrieved, fresh);
    throwIfAborted(input.signal);
    const question = await this.#questionOf(input);
    const refused = [...files.refused, ...question.refused];
    const plan = planAsk(engine, this.#fitter, question.asked, { ...files, refused }, turns);
    // chunks of a text that is in the prompt as a whole would only repeat it
    const { texts = [] } = plan.asked;
    const chunks = encoded.filter(({ chunk }) => {
      const place = this.#placeOf(chunk);
      return place === undefined || !isInPrompt(texts, place);
    });
    const repositoryTokens = chunks.reduce((sum, { chunk }) => sum + chunk.tokens, 0);
    return { ...plan, chunks, size: repositoryTokens > 0 ? { ...plan.size, repositoryTokens } : plan.size };
  }

  /** The question with the selection and the attachments that the model may read, and the reasons for those it may not. */
  async #questionOf(
    input: AskInput,
  ): Promise<{ readonly asked: PromptQuestion; readonly refused: readonly Refused[] }> {
    const { question, command, selection } = input;
    const refused: Refused[] = [];
    const { gate } = this.#folders;
    const attachments: AskAttachment[] = [];
    for (const attachment of input.attachments ?? []) {
      const { uris = [], label } = attachment;
      const isClosed = input.openOnly === true && uris.some((uri) => input.openText(uri) === undefined);
      const reason = isClosed ? notTrusted : await gate.whyKeptOut(attachment, input.signal);
      if (reason === undefined) {
        attachments.push(attachment);
      } else {
        refused.push({ label, reason });
      }
    }
    const place = selection && this.#folders.place(selection.uri);
    const asked: PromptQuestion = { question, attachments, ...(command === undefined ? {} : { command }) };
    if (selection === undefined || place === undefined) {
      return { asked, refused };
    }
    const reason = await gate.whyKeptOut({ uris: [selection.uri], text: selection.text }, input.signal);
    if (reason !== undefined) {
      return { asked, refused: [...refused, { label: place.path, reason }] };
    }
    const isThere = isStill(selection, input.openText(selection.uri));
    return {
      asked: {
        ...asked,
        selection: {
          uri: documentUri(selection.uri, place.file),
          path: place.path,
          text: selection.text,
          ...(isThere && selection.firstLine !== undefined ? { firstLine: selection.firstLine } : {}),
        },
      },
      refused,
    };
  }

  #sourceOf(chunk: EncodedChunk): { readonly file: string; readonly source: ContextChunk } | undefined {
    for (const { index, sources } of this.#folders.all) {
      const source = index.sourceOf(chunk);
      if (source !== undefined) {
        return { file: path.join(sources.root, source.path), source };
      }
    }
    return undefined;
  }

  #placeOf(chunk: EncodedChunk): TextPlace | undefined {
    const found = this.#sourceOf(chunk);
    return found && { uri: pathToFileURL(found.file).href, ...found.source };
  }

  /**
   * The files that the question refers to or names. In the first turn of a conversation also related files of the
   * repository, unless the answer reads them as retrieved chunks.
   */
  async #files(
    input: AskInput,
    first: boolean,
    retrieved: ReadonlySet<string>,
    fresh: boolean,
  ): Promise<QuestionFiles> {
    const list = { fresh, signal: input.signal };
    const named: PromptFile[] = [];
    const refused: Refused[] = [];
    const add = (file: PromptFile) => {
      if (!named.some((other) => other.path === file.path)) {
        named.push(file);
      }
    };
    for (const { uri } of input.references) {
      throwIfAborted(input.signal);
      const text = input.openText(uri);
      const { path: label, file, folder } = this.#folders.place(uri);
      if (text !== undefined) {
        const live = wellFormed(toLf(text.slice(0, maxOpenChars)));
        const reason = await this.#folders.gate.whyKeptOut({ uris: [uri], text: live }, input.signal);
        if (reason !== undefined) {
          refused.push({ label, reason });
          continue;
        }
        add({ uri: documentUri(uri, file), absolute: file ?? uri, path: label, text: live, version: 'live' });
        continue;
      }
      if (input.openOnly === true) {
        refused.push({ label, reason: notTrusted });
        continue;
      }
      if (file === undefined || folder === undefined) {
        refused.push({ label, reason: 'not in the workspace' });
        continue;
      }
      const below = await filesBelow(folder, file, list);
      for (const found of below.files) {
        add(onDisk(found));
      }
      refused.push(...below.refused);
    }
    const related: PromptFile[] = [];
    for (const folder of input.openOnly === true ? [] : this.#folders.all) {
      const namedOnly = named.length > 0 || !first;
      const chosen = await chooseFiles(folder, input.question, { namedOnly, retrieved }, list);
      related.push(...chosen.map(onDisk));
    }
    return { named, refused, related: related.filter((file) => !named.some((other) => other.path === file.path)) };
  }

  /** Earlier turns are kept as tokens, which are of use to one model only. */
  #forgetOtherModels(engine: Engine): void {
    if (this.#model !== engine.model.fingerprint) {
      this.#model = engine.model.fingerprint;
      this.#conversations.clear();
      this.#fitter.clear();
    }
  }
}

function documentsOf({ selection, references }: AskInput): string[] {
  return [...(selection === undefined ? [] : [selection.uri]), ...references.map(({ uri }) => uri)];
}

/** Gives each file one URI, however clients spell it. A notebook cell keeps its own: its lines are not those of the file. */
function documentUri(uri: string, file: string | undefined): string {
  return file !== undefined && uri.startsWith('file:') ? pathToFileURL(file).href : uri;
}

/** Whether the selection is still where it was: a question may be asked again after its document was changed. */
function isStill({ text, firstLine }: AskSelection, live: string | undefined): boolean {
  if (firstLine === undefined || live === undefined) {
    return firstLine !== undefined;
  }
  const selected = toLf(text);
  const length = selected.split('\n').length;
  const there = toLf(live)
    .split('\n')
    .slice(firstLine, firstLine + length);
  return there.join('\n').includes(selected);
}

function onDisk(file: SourceFile): PromptFile {
  return { ...file, uri: pathToFileURL(file.absolute).href };
}

function textOf({ selection, question }: AskInput): string {
  return selection === undefined ? question : `${selection.text}\n${question}`;
}
