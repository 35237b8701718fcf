/** Every message between the dashboard and its host: shapes, and the types that follow from them. */

import { limits } from './limits';
import {
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

const bytesSample = object({ at: time, tokens: count, fullBytes: number, fastBytes: number, slowBytes: number });
export type BytesSample = Checked<typeof bytesSample>;

const speedSample = object({ at: time, atTokens: count, denseMs: number, fasaMs: number });
export type SpeedSample = Checked<typeof speedSample>;

const request = object({
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
export type RequestView = Checked<typeof request>;

const file = object({
  /** Behind its folder's name where there are several. */
  path: label,
  tokens: count,
  state: oneOf('encoded', 'encoding', 'waiting', 'left out'),
  /** How much of it is encoded; 0 to 1. */
  encoded: number,
  reason: optional(label),
});
export type FileView = Checked<typeof file>;

const files = object({
  list: list(file, limits.files),
  /** Of all, the list may be shorter. */
  files: count,
  tokens: count,
  tokensEncoded: count,
  budgetTokens: count,
});
export type FilesView = Checked<typeof files>;

const now = object({
  state: problem,
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
  /** Absent: the server does not tell, or there is no folder. */
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
});
export type ToHost = ReturnType<typeof checkToHost>;
