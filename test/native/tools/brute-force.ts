/**
 * A decoder of one layer in plain TypeScript: embedding, attention, feed-forward, logits, straight from the formulas.
 * It reads the same tensors as the addon and shares nothing with it, so it says what FASA should have chosen and given.
 */

import type { GgufFile } from './gguf-writer';
import { halfBits, halfValue } from './quantize';
import { type TinyModelOptions, tinyShapes } from './tiny-model';

/** How tokens are chosen; the correct one is {@link fasa}, others are what a mistake would make of it. */
export interface Choice {
  readonly budget: number;
  readonly fcs: readonly number[];
  /** First tokens that are always read, and newest ones. */
  readonly anchor: number;
  readonly window: number;
  /** Of the predicted logits, before their softmax. */
  readonly scale: number;
  /** What the query heads' predictions are added up as. */
  readonly sum: 'softmax' | 'raw' | 'first head';
  /** Importance keys of 4 bits by page, as docs/calibration.md says; or the keys themselves. */
  readonly keys: 'importance' | 'exact';
}

const pageTokens = 128;

const rmsEpsilon = 1e-5;
const ropeBase = 10_000;

export class OneLayer {
  readonly #tensors = new Map<string, Float32Array>();
  readonly #shapes: ReturnType<typeof tinyShapes>;
  readonly #neox: boolean;
  /** Of all fed tokens, as the cache holds them: rotated keys and values of the KV head, in f16. */
  readonly #keys: Float32Array[] = [];
  readonly #values: Float32Array[] = [];
  readonly #queries: Float32Array[][] = [];
  readonly #inputs: Float32Array[] = [];

  /** @param options one layer, one KV head, f32, llama or qwen2 */
  constructor(file: GgufFile, options: TinyModelOptions, tokens: Int32Array) {
    this.#shapes = tinyShapes(options);
    this.#neox = options.architecture !== 'llama';
    for (const { name, data } of file.tensors) {
      this.#tensors.set(name, new Float32Array(data.buffer, data.byteOffset, data.length / 4));
    }
    tokens.forEach((token, position) => {
      this.#feed(token, position);
    });
  }

  /** What each query head of a position gives to each of these tokens; the position itself is one of them. */
  weights(position: number, attended: readonly number[]): Float64Array[] {
    const { headSize } = this.#shapes;
    return (this.#queries[position] ?? []).map((query) =>
      softmax(attended.map((token) => dot(query, this.#keys[token]) / Math.sqrt(headSize))),
    );
  }

  /** Logits behind a position that attends to these tokens; the position itself is one of them. */
  logits(position: number, attended: readonly number[]): Float32Array {
    const { headSize } = this.#shapes;
    const heads = this.weights(position, attended).map((weights) => {
      const out = new Float32Array(headSize);
      attended.forEach((token, i) => {
        const values = this.#values[token] ?? out;
        for (let dimension = 0; dimension < headSize; dimension++) {
          out[dimension] = (out[dimension] ?? 0) + (weights[i] ?? 0) * (values[dimension] ?? 0);
        }
      });
      return out;
    });
    const attention = this.#multiply('blk.0.attn_output', Float32Array.from(heads.flatMap((head) => [...head])));
    const x = add(attention, this.#inputs[position]);
    const normal = this.#norm(x, 'blk.0.ffn_norm');
    const gate = this.#multiply('blk.0.ffn_gate', normal);
    const up = this.#multiply('blk.0.ffn_up', normal);
    const inner = gate.map((value, i) => (value / (1 + Math.exp(-value))) * (up[i] ?? 0));
    const y = add(this.#multiply('blk.0.ffn_down', inner), x);
    return this.#multiply('output', this.#norm(y, 'output_norm'));
  }

  /** The tokens that FASA reads for a position, by sorting all of them. */
  chosen(position: number, choice: Choice): number[] {
    const cached = position + 1;
    const all = Array.from({ length: cached }, (_, token) => token);
    if (choice.budget >= cached) {
      return all;
    }
    const dimensions = choice.fcs.flatMap((fc) => this.#pair(fc));
    const keys = choice.keys === 'exact' ? this.#keys : this.#importanceKeys(position, choice.anchor, dimensions);
    const predictions = (this.#queries[position] ?? []).map((query) =>
      all.map((token) => {
        const key = keys[token] ?? query;
        return choice.scale * dimensions.reduce((sum, i) => sum + (query[i] ?? 0) * (key[i] ?? 0), 0);
      }),
    );
    const used = choice.sum === 'first head' ? predictions.slice(0, 1) : predictions;
    const shares = used.map((scores) => (choice.sum === 'raw' ? scores : [...softmax(scores)]));
    const importance = all.map((token) => shares.reduce((sum, scores) => sum + (scores[token] ?? 0), 0));
    const always = all.filter((token) => token < choice.anchor || token >= cached - choice.window);
    const best = all
      .filter((token) => !always.includes(token))
      .toSorted((a, b) => (importance[b] ?? 0) - (importance[a] ?? 0) || a - b)
      .slice(0, choice.budget - always.length);
    return [...always, ...best].toSorted((a, b) => a - b);
  }

  /** Keys as the scan sees them: whole pages in 4 bits, by ranges without the anchor; the anchor and the rest exact. */
  #importanceKeys(position: number, anchor: number, dimensions: readonly number[]): Float32Array[] {
    const keys = this.#keys.slice(0, position + 1).map((key) => key.slice());
    for (let page = 0; (page + 1) * pageTokens <= position; page++) {
      const first = Math.max(page * pageTokens, anchor);
      const tokens = keys.slice(first, (page + 1) * pageTokens);
      for (const dimension of dimensions) {
        const values = tokens.map((key) => key[dimension] ?? 0);
        const minimum = Math.min(...values);
        const step = halfValue(halfBits((Math.max(...values) - minimum) / 15));
        for (const [i, key] of tokens.entries()) {
          const code = Math.min(15, Math.floor(((values[i] ?? 0) - minimum) / step + 0.5));
          key[dimension] = minimum + step * code;
        }
      }
    }
    return keys;
  }

  #feed(token: number, position: number): void {
    const { embedding, headSize, heads } = this.#shapes;
    const x = this.#tensor('token_embd.weight').slice(token * embedding, (token + 1) * embedding);
    const normal = this.#norm(x, 'blk.0.attn_norm');
    const queries = this.#multiply('blk.0.attn_q', normal);
    const half = (values: Float32Array): Float32Array => values.map((value) => halfValue(halfBits(value)));
    this.#inputs.push(x);
    this.#keys.push(half(this.#rotate(this.#multiply('blk.0.attn_k', normal), position)));
    this.#values.push(half(this.#multiply('blk.0.attn_v', normal)));
    this.#queries.push(
      Array.from({ length: heads }, (_, head) =>
        this.#rotate(queries.slice(head * headSize, (head + 1) * headSize), position),
      ),
    );
  }

  /** The two dimensions that an FC turns. */
  #pair(fc: number): [number, number] {
    return this.#neox ? [fc, fc + this.#shapes.headSize / 2] : [2 * fc, 2 * fc + 1];
  }

  #rotate(values: Float32Array, position: number): Float32Array {
    const { headSize } = this.#shapes;
    const out = new Float32Array(headSize);
    for (let fc = 0; fc < headSize / 2; fc++) {
      const angle = position * ropeBase ** ((-2 * fc) / headSize);
      const [a, b] = this.#pair(fc);
      const [x, y] = [values[a] ?? 0, values[b] ?? 0];
      out[a] = x * Math.cos(angle) - y * Math.sin(angle);
      out[b] = x * Math.sin(angle) + y * Math.cos(angle);
    }
    return out;
  }

  #norm(values: Float32Array, name: string): Float32Array {
    const weights = this.#tensor(`${name}.weight`);
    const mean = dot(values, values) / values.length;
    return values.map((value, i) => (value / Math.sqrt(mean + rmsEpsilon)) * (weights[i] ?? 0));
  }

  /** The matrix's rows times x, and its bias where it has one. */
  #multiply(name: string, x: Float32Array): Float32Array {
    const matrix = this.#tensor(`${name}.weight`);
    const bias = this.#tensors.get(`${name}.bias`);
    const out = new Float32Array(matrix.length / x.length);
    return out.map((_, row) => dot(x, matrix.subarray(row * x.length, (row + 1) * x.length)) + (bias?.[row] ?? 0));
  }

  #tensor(name: string): Float32Array {
    const tensor = this.#tensors.get(name);
    if (!tensor) {
      throw new Error(`there is no tensor ${name}`);
    }
    return tensor;
  }
}

function dot(a: Float32Array, b: Float32Array | undefined): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += (a[i] ?? 0) * (b?.[i] ?? Number.NaN);
  }
  return sum;
}

function add(a: Float32Array, b: Float32Array | undefined): Float32Array {
  return a.map((value, i) => value + (b?.[i] ?? Number.NaN));
}

function softmax(scores: readonly number[]): Float64Array {
  const most = Math.max(...scores);
  const weights = Float64Array.from(scores, (score) => Math.exp(score - most));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
