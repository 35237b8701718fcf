/**
 * The shapes of all messages between the chat page and its host, in both directions, and their types. Records that the server
 * has as well are those of server.ts.
 */

import { limits } from './limits';
import { type AskSize, type AskSizePart, askCommands, askSizeKinds, type RequestStatus } from './server';
import {
  type Check,
  type Checked,
  count,
  flag,
  list,
  messageCheck,
  number,
  object,
  oneOf,
  optional,
  pageMessages,
  shown,
  string,
} from './validate';

const id = string(limits.id);
const label = shown(limits.label);
const question = string(limits.question);
/** The text that the user searches for. */
const query = string(limits.label);

export const mentionKinds = ['file', 'folder', 'symbol', 'problems', 'changes'] as const;
export type MentionKind = (typeof mentionKinds)[number];

/** A part of a question's context, which is shown above it and can be removed. */
export const chip = object({
  /** Ids that an earlier version stored may be longer. They are cut, as they are not used. */
  id: shown(limits.id),
  kind: oneOf('selection', 'current', ...mentionKinds),
  label,
  /** More about it, for a tooltip. */
  detail: optional(label),
});
export type Chip = Checked<typeof chip>;

const citation = object({
  uri: string(limits.uri),
  /** The path below the folder of the workspace, or the host's name for the place. */
  path: label,
  /** 1-based, inclusive. */
  firstLine: count,
  lastLine: count,
  /** Its share of the attention on all selected tokens, 0 to 1. */
  share: number,
});
export type CitationView = Checked<typeof citation>;

const sizePart: Check<AskSizePart> = object({
  kind: oneOf(...askSizeKinds),
  label,
  tokens: optional(count),
  includedTokens: count,
  reason: optional(label),
});
const size: Check<AskSize> = object({
  roomTokens: number,
  answerTokens: number,
  tokens: number,
  fits: flag,
  repositoryTokens: optional(count),
  parts: list(sizePart, limits.sizeParts),
});

export type StatsView = Pick<
  RequestStatus,
  'tokens' | 'tokensPerSecond' | 'firstTokenMs' | 'reusedTokens' | 'fedTokens'
>;
const stats: Check<StatsView> = object({
  tokens: count,
  tokensPerSecond: number,
  firstTokenMs: number,
  reusedTokens: count,
  fedTokens: count,
});

export const turn = object({
  id,
  question: string(),
  command: optional(oneOf(...askCommands)),
  /** The context that the question was asked with. */
  chips: list(chip, limits.chips),
  answer: string(),
  state: oneOf('waiting', 'answering', 'done', 'stopped', 'failed'),
  /** Why the question failed, and what to do. */
  problem: optional(shown(limits.problem)),
  citations: list(citation, limits.citations),
  stats: optional(stats),
  size: optional(size),
});
export type TurnView = Checked<typeof turn>;

const summary = object({ id, title: label, changed: label, turns: count, found: optional(label) });
export type SummaryView = Checked<typeof summary>;

const candidate = object({ id, kind: oneOf(...mentionKinds), label, detail: optional(label) });
export type Candidate = Checked<typeof candidate>;

export const applyActions = ['insert', 'replace', 'newFile', 'diff', 'copy'] as const;

/** @throws MessageError */
export const checkToView = messageCheck({
  /** The whole state: at first, and when another conversation is opened. */
  conversation: { id, title: label, earlier: count, turns: list(turn, limits.turns) },
  /** Earlier turns, which the page asked for. */
  earlier: { earlier: count, turns: list(turn, limits.turns) },
  /** A turn is new or has changed. */
  turn: { turn },
  /** A turn and those after it were removed. */
  removed: { from: id },
  /** An answer has grown by `delta`. */
  answer: { turn: id, delta: string() },
  /** The share of the prompt that has been prefilled, 0 to 1. */
  progress: { turn: id, share: number },
  chips: { chips: list(chip, limits.chips) },
  /** The size of the draft; absent when it is unknown. */
  size: { size: optional(size) },
  server: {
    ready: flag,
    model: optional(label),
    problem: optional(shown(limits.problem)),
    /** There is no model yet, so one has to be chosen. */
    lacksModel: optional(flag),
    trusted: flag,
  },
  /** `more` is the number of those that were found and are not offered. */
  candidates: { request: count, candidates: list(candidate, limits.candidates), more: optional(count) },
  /** `more` is the number of those that were found and are not listed. */
  conversations: { query, list: list(summary, limits.conversations), more: optional(count) },
  compose: { text: string() },
  show: { what: oneOf('conversations', 'chat') },
  /** A message for screen readers. */
  say: { text: label },
});
export type ToView = ReturnType<typeof checkToView>;

/** @throws MessageError */
export const checkToHost = messageCheck({
  ...pageMessages,
  ask: { text: question, command: optional(oneOf(...askCommands)) },
  stop: {},
  retry: { turn: id },
  /** Asks another question in place of a turn and those after it. */
  edit: { turn: id, text: question },
  delete: { turn: id },
  copy: { turn: id },
  /** The question while it is being written, to be measured. */
  draft: { text: question, command: optional(oneOf(...askCommands)) },
  mention: { request: count, type: oneOf(...mentionKinds), query },
  addChip: { id, type: oneOf(...mentionKinds) },
  removeChip: { id },
  openCitation: { turn: id, index: count },
  /** The host shows where the link leads before it opens it. */
  openLink: { url: string(limits.uri) },
  /** `block` is the index among the code blocks of the answer; the host takes the text from its own copy. */
  apply: { turn: id, block: count, action: oneOf(...applyActions) },
  /** Opens the list of models. */
  chooseModel: {},
  newConversation: {},
  listConversations: { query },
  openConversation: { id },
  renameConversation: { id, title: label },
  deleteConversation: { id },
  /** Asks for the turns before this one. */
  showEarlier: { turn: id },
  exportConversation: { id },
});
export type ToHost = ReturnType<typeof checkToHost>;
