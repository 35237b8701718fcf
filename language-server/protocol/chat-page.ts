/**
 * Every message between the chat panel and its host, in both directions: shapes, and their types, which are the server's
 * where it has them.
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
/** What the user is looking for. */
const query = string(limits.label);

export const mentionKinds = ['file', 'folder', 'symbol', 'problems', 'changes'] as const;
export type MentionKind = (typeof mentionKinds)[number];

/** What goes with a question: shown above it, and removable. */
export const chip = object({
  /** As short as all ids; those that an earlier version stored with a conversation may be longer, and are not used. */
  id: shown(limits.id),
  kind: oneOf('selection', 'current', ...mentionKinds),
  label,
  /** The whole of it, for a tooltip. */
  detail: optional(label),
});
export type Chip = Checked<typeof chip>;

const citation = object({
  uri: string(limits.uri),
  /** Below the workspace's folder, or as the host names the place. */
  path: label,
  /** 1-based, inclusive. */
  firstLine: count,
  lastLine: count,
  /** Of all chosen tokens; 0 to 1. */
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
  /** What went with it. */
  chips: list(chip, limits.chips),
  answer: string(),
  state: oneOf('waiting', 'answering', 'done', 'stopped', 'failed'),
  /** Why it failed, and what to do. */
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
  /** Everything: first, and when another conversation is opened. */
  conversation: { id, title: label, earlier: count, turns: list(turn, limits.turns) },
  /** Turns before those that are shown, on the page's word. */
  earlier: { earlier: count, turns: list(turn, limits.turns) },
  /** A turn is new, or other than before. */
  turn: { turn },
  /** A turn and those after it are gone. */
  removed: { from: id },
  /** An answer grew. */
  answer: { turn: id, delta: string() },
  /** How much of the prompt has been read; 0 to 1. */
  progress: { turn: id, share: number },
  chips: { chips: list(chip, limits.chips) },
  /** Of the question as it is being written; absent: not known now. */
  size: { size: optional(size) },
  server: { ready: flag, model: optional(label), problem: optional(shown(limits.problem)), trusted: flag },
  /** `more`: found, and not offered. */
  candidates: { request: count, candidates: list(candidate, limits.candidates), more: optional(count) },
  /** `more`: found, and not listed. */
  conversations: { query, list: list(summary, limits.conversations), more: optional(count) },
  compose: { text: string() },
  show: { what: oneOf('conversations', 'chat') },
  /** For a screen reader, and for a moment at the bottom. */
  say: { text: label },
});
export type ToView = ReturnType<typeof checkToView>;

/** @throws MessageError */
export const checkToHost = messageCheck({
  ...pageMessages,
  ask: { text: question, command: optional(oneOf(...askCommands)) },
  stop: {},
  retry: { turn: id },
  /** Asks another question in place of this turn and those after it. */
  edit: { turn: id, text: question },
  delete: { turn: id },
  copy: { turn: id },
  /** The question as it is being written, to be measured. */
  draft: { text: question, command: optional(oneOf(...askCommands)) },
  mention: { request: count, type: oneOf(...mentionKinds), query },
  addChip: { id, type: oneOf(...mentionKinds) },
  removeChip: { id },
  openCitation: { turn: id, index: count },
  /** The host shows where it leads before anything is opened. */
  openLink: { url: string(limits.uri) },
  /** A code block of an answer, by its place among them: the host takes the text from its own copy. */
  apply: { turn: id, block: count, action: oneOf(...applyActions) },
  newConversation: {},
  listConversations: { query },
  openConversation: { id },
  renameConversation: { id, title: label },
  deleteConversation: { id },
  /** Turns before this one. */
  showEarlier: { turn: id },
  exportConversation: { id },
});
export type ToHost = ReturnType<typeof checkToHost>;
