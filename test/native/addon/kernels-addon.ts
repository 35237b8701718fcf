/** dist/native/kernels-test.node (kernels_test.cc): the kernels of every instruction set, over typed arrays. */

import { createRequire } from 'node:module';
import path from 'node:path';

export interface Observation {
  readonly layer: number;
  readonly q: Float32Array;
  /** K rows of each KV head. */
  readonly keys: readonly Uint16Array[];
  readonly rowStride: number;
  readonly past: number;
}

interface KernelsAddon {
  /** Those that this CPU runs, plain first. */
  names(): string[];
  best(): string;
  pageBytes(nChannels: number): number;
  topKScratchBytes(n: number): number;
  pageEncode(
    name: string,
    keys: Uint16Array,
    rowStride: number,
    channels: Int32Array,
    nChannels: number,
    nExact: number,
    page: Uint8Array,
  ): void;
  tipPage(
    name: string,
    q: Float32Array,
    nQ: number,
    nChannels: number,
    page: Uint8Array,
    prior: number,
    scores: Float32Array,
    scoreStride: number,
  ): void;
  tipRows(
    name: string,
    q: Float32Array,
    nQ: number,
    channels: Int32Array,
    nChannels: number,
    keys: Uint16Array,
    rowStride: number,
    nRows: number,
    scores: Float32Array,
    scoreStride: number,
  ): void;
  importance(
    name: string,
    scores: Float32Array,
    scoreStride: number,
    nQ: number,
    n: number,
    importance: Float32Array,
  ): void;
  topK(
    name: string,
    values: Float32Array,
    begin: number,
    end: number,
    nChosen: number,
    chosen: Int32Array,
    scratch: Uint8Array,
  ): void;
  fac(
    name: string,
    q: Float32Array,
    nQ: number,
    d: number,
    kv: Uint16Array,
    rowStride: number,
    chosen: Int32Array,
    nChosen: number,
    scale: number,
    logits: Float32Array,
    out: Float32Array,
  ): void;
  /** The same for rows of q8_0 blocks: rowStride in units of 2 bytes. */
  facQ8: KernelsAddon['fac'];
  /** sizes: layers, KV heads, query heads per KV head, head size, 1 for neox. Null when they are out of range. */
  calibrate(sizes: Int32Array, observations: readonly Observation[], nDominant: number): Int32Array | null;
  channelsFromFcs(fcs: Int32Array, d: number, neox: boolean, channels: Int32Array): void;
}

export const PAGE_TOKENS = 128;

export function loadKernels(): KernelsAddon {
  const file = path.join(import.meta.dirname, '..', '..', '..', 'dist', 'native', 'kernels-test.node');
  return createRequire(import.meta.url)(file) as KernelsAddon;
}
