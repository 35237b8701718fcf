/** The kernels once more, in double precision and in the plainest form: what every instruction set is compared with. */

import { halfValue } from '../tools/quantize';
import { PAGE_TOKENS } from './kernels-addon';

export function at<T>(values: ArrayLike<T>, index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index} of ${values.length}`);
  return value;
}

interface DecodedPage {
  /** [channel] */
  readonly scale: number[];
  readonly minimum: number[];
  /** [token][channel], 0 to 15 */
  readonly code: number[][];
  /** [token][channel]: minimum + scale * code */
  readonly key: number[][];
}

/** Reads a page of importance keys by the layout in docs/calibration.md. */
export function decodePage(page: Uint8Array, nChannels: number): DecodedPage {
  const padded = Math.ceil(nChannels / 8) * 8;
  const header = Math.ceil((4 * padded) / 64) * 64;
  const half = (index: number) => halfValue(at(page, 2 * index) | (at(page, 2 * index + 1) << 8));
  const channels = Array.from({ length: nChannels }, (_, channel) => channel);
  const scale = channels.map((channel) => half(channel));
  const minimum = channels.map((channel) => half(padded + channel));
  const codeOf = (token: number, channel: number) => {
    const block = (Math.floor(token / 16) * padded) / 8 + Math.floor(channel / 8);
    const byte = at(page, header + block * 64 + (token % 16) * 4 + (channel % 4));
    return channel % 8 < 4 ? byte & 15 : byte >> 4;
  };
  const code = Array.from({ length: PAGE_TOKENS }, (_, token) => channels.map((channel) => codeOf(token, channel)));
  const key = code.map((row) => row.map((value, channel) => at(minimum, channel) + at(scale, channel) * value));
  return { scale, minimum, code, key };
}

/** Sum over the heads of each one's softmax; scores[head][token]. */
export function groupSoftmax(scores: readonly (readonly number[])[]): number[] {
  const tokens = scores[0]?.length ?? 0;
  const sum = new Array<number>(tokens).fill(0);
  for (const head of scores) {
    const largest = head.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const weights = head.map((score) => Math.exp(score - largest));
    const total = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, token) => {
      sum[token] = at(sum, token) + weight / total;
    });
  }
  return sum;
}

/** Indices of the `count` largest in [begin, end), ascending; equal values by index; NaN least. */
export function largest(values: ArrayLike<number>, begin: number, end: number, count: number): number[] {
  const indices = Array.from({ length: Math.max(0, end - begin) }, (_, i) => begin + i);
  const rank = (i: number) => (Number.isNaN(at(values, i)) ? Number.NEGATIVE_INFINITY : at(values, i));
  const nan = (i: number) => (Number.isNaN(at(values, i)) ? 1 : 0);
  indices.sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x !== y ? (x > y ? -1 : 1) : nan(a) - nan(b) || a - b;
  });
  return indices.slice(0, Math.max(0, count)).sort((a, b) => a - b);
}

/** Softmax attention of one query over chosen rows: K at row * stride, V behind it. */
export function attention(
  q: ArrayLike<number>,
  kv: Uint16Array,
  stride: number,
  chosen: readonly number[],
  scale: number,
): number[] {
  const d = q.length;
  const logits = chosen.map((row) => {
    let dot = 0;
    for (let i = 0; i < d; i++) dot += at(q, i) * halfValue(at(kv, row * stride + i));
    return dot * scale;
  });
  const weights = groupSoftmax([logits]);
  return Array.from({ length: d }, (_, i) =>
    chosen.reduce((sum, row, n) => sum + at(weights, n) * halfValue(at(kv, row * stride + d + i)), 0),
  );
}
