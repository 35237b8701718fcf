/** A tiny model whose heads attend by a few known FCs alone, so that the right dominant FCs are known beforehand. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { withTensor } from '../hostile/hostile-corpus';
import { writeGguf } from './gguf-writer';
import { type TinyModelOptions, tinyModelFile, tinyShapes } from './tiny-model';

/** Eight FCs, ascending; other ones in each layer and KV head. */
export function plantedFcs(layer: number, kvHead: number, headSize: number): number[] {
  const all = headSize / 2;
  const first = 3 * layer + 5 * kvHead;
  return Array.from({ length: 8 }, (_, i) => (first + 3 * i + (i % 2)) % all).toSorted((a, b) => a - b);
}

/** The rows of Q and K that make the other FCs are zero: neither queries nor keys have anything there. */
export function savePlantedModel(folder: string, options: TinyModelOptions): string {
  const { layers, heads, kvHeads, headSize } = tinyShapes(options);
  const half = headSize / 2;
  const fcOf = (dimension: number): number => (options.architecture === 'llama' ? dimension >> 1 : dimension % half);
  let file = tinyModelFile(options);
  for (let layer = 0; layer < layers; layer++) {
    for (const [matrix, count] of [
      ['attn_q', heads],
      ['attn_k', kvHeads],
    ] as const) {
      file = withTensor(file, `blk.${layer}.${matrix}.weight`, (tensor) => {
        const weights = new Float32Array(tensor.data.buffer.slice(0));
        const rowLength = weights.length / (count * headSize);
        for (let row = 0; row < count * headSize; row++) {
          const kvHead = Math.floor(Math.floor(row / headSize) / (count / kvHeads));
          const planted = plantedFcs(layer, kvHead, headSize).includes(fcOf(row % headSize));
          for (let i = row * rowLength; i < (row + 1) * rowLength; i++) {
            // Fewer dimensions add up to the same deviation of the attention's logits, and somewhat more of it.
            weights[i] = planted ? (weights[i] ?? 0) * 1.7 : 0;
          }
        }
        return { ...tensor, data: new Uint8Array(weights.buffer) };
      });
    }
  }
  const target = path.join(folder, `planted-${options.architecture}.gguf`);
  writeFileSync(target, writeGguf(file).bytes);
  return target;
}
