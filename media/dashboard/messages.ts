/** Every message between the dashboard and its host: shapes, and the types that follow from them. */

import {
  type Checked,
  checkMessage,
  count,
  flag,
  list,
  type Message,
  number,
  object,
  oneOf,
  optional,
  text,
} from '../validate';

const label = text(2000);
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
  list: list(file, 5000),
  /** Of all, the list may be shorter. */
  files: count,
  tokens: count,
  tokensEncoded: count,
  budgetTokens: count,
});
export type FilesView = Checked<typeof files>;

const now = object({
  state: label,
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

const toViewShapes = {
  now: { now },
  history: { bytes: list(bytesSample), speeds: list(speedSample), requests: list(request) },
  /** Absent: the server does not tell, or there is no folder. */
  files: { files: optional(files) },
  measuring: { running: flag, problem: optional(label) },
} as const;

const toHostShapes = {
  ready: {},
  measure: {},
  cancelMeasure: {},
  exportJson: {},
  exportSvg: {},
  problem: { text: text(4000) },
} as const;

export type ToView = Message<typeof toViewShapes>;
export type ToHost = Message<typeof toHostShapes>;

/** @throws MessageError */
export function checkToView(value: unknown): ToView {
  return checkMessage(toViewShapes, value);
}

/** @throws MessageError */
export function checkToHost(value: unknown): ToHost {
  return checkMessage(toHostShapes, value);
}
