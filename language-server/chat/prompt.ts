/**
 * The prompt of a question: instructions, earlier turns, files, texts and the question itself. Whatever is cut or left out is
 * reported with its reason.
 */

import { toLf, wellFormed } from '../base/text';
import type { Engine } from '../engine/engine';
import { concatenate } from '../engine/native/token-parts';
import { commentPathLine } from '../index/chunk/path-line';
import type { SourceFile } from '../index/discover/source-files';
import type { AskCommand, AskParams, AskSize, AskSizePart } from '../protocol/server';
import type { ChatMessage, PromptText } from './chat-message';
import { recentTurns, type Turn, turnTokens } from './conversations';
import type { TextFitter, TextToFit } from './fit';
import { type PromptSource, placeInPrompt } from './prompt-texts';

const instructions =
  'You are a programming assistant. Answer the question about the code that you are shown, briefly and precisely. ' +
  'Say so when the code does not hold the answer.';

const maxAnswerTokens = 512;
/** Limit for related files that nobody named: prefilling more takes longer than most questions are worth. */
const maxRelatedTokens = 2048;
/** Tokens that are reserved for the text of the template. */
const reservedTokens = 96;

export interface PromptFile extends SourceFile {
  /** The URI of the document or the file, for citations. */
  readonly uri: string;
}

export interface QuestionFiles {
  /** Files that the question refers to. */
  readonly named: readonly PromptFile[];
  /** References that the model may not read, with the reason. */
  readonly refused: readonly { readonly label: string; readonly reason: string }[];
  /** Other files of the repository on the question, the most related first. */
  readonly related: readonly PromptFile[];
}

export interface AskPlan {
  /** The earlier turns that fit, the oldest first. */
  readonly kept: readonly Turn[];
  readonly asked: ChatMessage;
  readonly messages: readonly ChatMessage[];
  readonly size: AskSize;
}

/** A question whose selection has its path, which the caller knows by the workspace. */
export type PromptQuestion = Pick<AskParams, 'question' | 'command' | 'attachments'> & {
  readonly selection?: (AskParams['selection'] & { readonly path: string }) | undefined;
};

/**
 * Fills the context in the order of what matters to the user: the question, the selection, texts and files that it names,
 * the latest turns, then related files of the repository.
 */
export function planAsk(
  engine: Engine,
  fitter: TextFitter,
  asked: PromptQuestion,
  files: QuestionFiles,
  turns: readonly Turn[],
): AskPlan {
  const answerTokens = Math.min(maxAnswerTokens, Math.floor(engine.contextTokens / 4));
  const room = engine.contextTokens - answerTokens - (engine.chunks?.anchor.length ?? 0);
  const system: ChatMessage = { role: 'system', content: engine.tokenize(instructions) };
  const question = engine.tokenize(wellFormed(toLf(questionText(asked.command, asked.question))));
  const parts: AskSizePart[] = [
    whole('instructions', 'Instructions and template', system.content.length + reservedTokens),
    whole('question', 'Question', question.length),
  ];
  let left = room - system.content.length - reservedTokens - question.length;
  const fits = left >= 0;
  const take = (kind: AskSizePart['kind'], label: string, source: Taken, max = left): PromptSource => {
    const { head, place } = source;
    const { tokens, text, wholeTokens } = fitter.fit(engine, source, Math.max(0, Math.min(left, max)));
    left -= tokens.length;
    parts.push(fittedPart(kind, label, wholeTokens, tokens.length));
    const toEnd = kind !== 'selection' && tokens.length >= wholeTokens;
    return { tokens, cited: place && { ...place, head, text, toEnd } };
  };
  const texts: PromptSource[] = [];
  if (asked.selection !== undefined) {
    const { path, text, uri, firstLine } = asked.selection;
    const place = firstLine === undefined ? undefined : { uri, firstLine };
    texts.push(take('selection', path, { head: `Selected in ${path}:`, text, place }));
  }
  for (const { label, text } of asked.attachments ?? []) {
    texts.push(take('attachment', label, { head: `${label}:`, text, place: undefined }));
  }
  const named = files.named.map((file) => take('file', file.path, wholeFile(file)));
  for (const { label, reason } of files.refused) {
    parts.push({ kind: 'file', label, includedTokens: 0, reason });
  }
  const kept = recentTurns(turns, left);
  left -= kept.reduce((sum, turn) => sum + turnTokens(turn), 0);
  if (turns.length > 0) {
    parts.push(historyPart(turns, kept));
  }
  let related = maxRelatedTokens;
  const others = files.related.map((file) => {
    const source = take('related', file.path, wholeFile(file), related);
    related -= source.tokens.length;
    return source;
  });
  // the most related file is nearest to the question
  const context = [...others.toReversed(), ...named.toReversed(), ...texts].filter(({ tokens }) => tokens.length > 0);
  const front = context.map(({ tokens }) => tokens);
  const content = concatenate(context.length > 0 ? [...front, engine.tokenize('\n'), question] : [question]);
  const message: ChatMessage = { role: 'user', content, texts: placeInPrompt(context) };
  return {
    kept,
    asked: message,
    messages: [system, ...kept.flatMap((turn) => [turn.asked, turn.answered]), message],
    size: { roomTokens: room, answerTokens, tokens: room - left, fits, parts },
  };
}

/** A text for the prompt; it can be cited if its place in a document is known. */
interface Taken extends TextToFit {
  readonly place: Pick<PromptText, 'uri' | 'firstLine'> | undefined;
}

function wholeFile({ path, text, uri }: PromptFile): Taken {
  return { head: commentPathLine(path), text, place: { uri, firstLine: 0 } };
}

function whole(kind: AskSizePart['kind'], label: string, tokens: number): AskSizePart {
  return { kind, label, tokens, includedTokens: tokens };
}

function fittedPart(kind: AskSizePart['kind'], label: string, tokens: number, includedTokens: number): AskSizePart {
  const part = { kind, label, tokens, includedTokens };
  if (includedTokens >= tokens) {
    return part;
  }
  return { ...part, reason: includedTokens === 0 ? 'no room left' : 'only its beginning fits' };
}

function historyPart(turns: readonly Turn[], kept: readonly Turn[]): AskSizePart {
  const sum = (some: readonly Turn[]) => some.reduce((all, turn) => all + turnTokens(turn), 0);
  const part = { kind: 'history', tokens: sum(turns), includedTokens: sum(kept) } as const;
  const label =
    kept.length === turns.length ? 'Earlier turns' : `Earlier turns: the last ${kept.length} of ${turns.length}`;
  return kept.length === turns.length ? { ...part, label } : { ...part, label, reason: 'no room left' };
}

const changeFormat =
  'Show each change as the file\'s path on a line of its own and then a code block that holds "<<<<<<< SEARCH", the old ' +
  'lines exactly as they are, "=======", the new lines, and ">>>>>>> REPLACE".';

/** What the command of a question asks the model for. */
const instructionsOf: Readonly<Record<AskCommand, string>> = {
  explain: 'Explain what this code does and why, step by step.',
  fix: `Find what is wrong in this code and correct it. ${changeFormat}`,
  tests: 'Write tests of this code, with the test framework that the repository uses, as one code block.',
  doc: `Write the documentation comments that this code lacks, in the style of its language. ${changeFormat}`,
  review: 'Review this code: name the bugs, risks and unclear places, the gravest first, each with its line.',
};

/** The question as the model reads it. */
function questionText(command: AskCommand | undefined, question: string): string {
  const own = question.trim();
  if (command === undefined) {
    return question;
  }
  return own === '' ? instructionsOf[command] : `${instructionsOf[command]}\n${own}`;
}
