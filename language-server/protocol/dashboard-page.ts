/** The shapes of all messages between the dashboard and its host, and their types, which derive from the server's records. */

import { limits } from './limits';
import type { CacheStatus, ContextFile, RequestStatus } from './server';
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
} from './validate';

const label = shown(limits.label);
const problem = shown(limits.problem);
/** Milliseconds since 1970. */
const time = number;

/** `at` is in milliseconds since 1970, here and below. */
export type BytesSample = { readonly at: number } & Pick<
  CacheStatus,
  'tokens' | 'fullBytes' | 'fastBytes' | 'slowBytes'
>;
const bytesSample: Check<BytesSample> = object({
  at: time,
  tokens: count,
  fullBytes: number,
  fastBytes: number,
  slowBytes: number,
});

const speedSample = object({ at: time, atTokens: count, denseMs: number, fasaMs: number });
export type SpeedSample = Checked<typeof speedSample>;

export type RequestView = { readonly at: number } & Omit<RequestStatus, 'at'>;
const request: Check<RequestView> = object({
  at: time,
  kind: oneOf('inline', 'chat'),
  firstTokenMs: number,
  tokens: count,
  tokensPerSecond: number,
  reusedTokens: count,
  fedTokens: count,
  bytesReadPerToken: number,
  queueMs: optional(number),
  feedMs: optional(number),
  decodeMs: optional(number),
});

/** `path` begins with the name of the folder if there are several. */
export interface FileView extends Pick<ContextFile, 'path' | 'tokens' | 'state' | 'reason'> {
  /** The share of it that is encoded, 0 to 1. */
  readonly encoded: number;
}
const file: Check<FileView> = object({
  path: label,
  tokens: count,
  state: oneOf('encoded', 'encoding', 'waiting', 'left out'),
  encoded: number,
  reason: optional(label),
});

const files = object({
  list: list(file, limits.files),
  /** The number of all files; the list may be shorter. */
  files: count,
  tokens: count,
  tokensEncoded: count,
  budgetTokens: count,
});
export type FilesView = Checked<typeof files>;

const now = object({
  state: problem,
  /** There is no model yet, so one has to be chosen. */
  lacksModel: optional(flag),
  model: optional(label),
  device: optional(label),
  attention: optional(label),
  tokens: optional(count),
  fullBytes: optional(number),
  fastBytes: optional(number),
  slowBytes: optional(number),
  saved: optional(number),
  diskBytes: optional(number),
  speedup: optional(number),
  speedAtTokens: optional(count),
  meanKl: optional(number),
  agreement: optional(number),
  samples: optional(count),
});
export type NowView = Checked<typeof now>;

/** @throws MessageError */
export const checkToView = messageCheck({
  now: { now },
  history: {
    bytes: list(bytesSample, limits.samples),
    speeds: list(speedSample, limits.samples),
    requests: list(request, limits.samples),
  },
  /** Absent when the server does not answer or there is no folder. */
  files: { files: optional(files) },
  measuring: { running: flag, problem: optional(problem) },
});
export type ToView = ReturnType<typeof checkToView>;

/** @throws MessageError */
export const checkToHost = messageCheck({
  ...pageMessages,
  measure: {},
  cancelMeasure: {},
  exportJson: {},
  exportSvg: {},
  /** Opens the list of models. */
  chooseModel: {},
});
export type ToHost = ReturnType<typeof checkToHost>;
