/** Small models with random weights for the three architectures, as GGUF files that any reader accepts. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type GgufFile, type GgufTensor, type GgufValue, type WrittenGguf, writeGguf } from './gguf-writer';
import { encodeTensor, type TensorType, tensorFormats } from './quantize';
import { Random } from './random';
import { tinyVocabulary } from './tiny-vocabulary';

export type Architecture = 'llama' | 'qwen2' | 'qwen3';

type RopeScaling =
  | { readonly type: 'none' | 'linear'; readonly factor: number }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      /** Metadata below `rope.scaling.`, e.g. `yarn_beta_fast`. */
      readonly extra?: Readonly<Record<string, number>>;
    };

export interface TinyModelOptions {
  readonly architecture: Architecture;
  readonly seed?: number;
  readonly layers?: number;
  readonly headSize?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  /** Default heads * headSize, which qwen2 needs; the others may differ. */
  readonly embedding?: number;
  readonly feedForward?: number;
  /** Of Q, K and V; default on for qwen2. */
  readonly bias?: boolean;
  /** The rarer ones: of the attention's output and the feed-forward (llama), of the output (qwen2). */
  readonly extraBias?: boolean;
  /** No output matrix of its own: the token embedding is used. */
  readonly tied?: boolean;
  /** Of all matrices; norms and biases are always f32. */
  readonly quantization?: TensorType;
  /** Of the embedding and the output matrix; default `quantization`. */
  readonly outputQuantization?: TensorType;
  readonly ropeBase?: number;
  readonly ropeScaling?: RopeScaling;
  /** Divisors of the frequencies, headSize / 2 of them (`rope_freqs.weight`, llama alone). */
  readonly ropeFactors?: readonly number[];
  readonly trainedContext?: number;
  readonly fim?: boolean;
  readonly chatTemplate?: string;
}

interface Shapes {
  readonly layers: number;
  readonly headSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly embedding: number;
  readonly feedForward: number;
}

const tinyTrainedContext = 2048;

export function tinyShapes(options: TinyModelOptions): Shapes {
  const headSize = options.headSize ?? 64;
  const heads = options.heads ?? 2;
  const embedding = options.embedding ?? heads * headSize;
  return {
    layers: options.layers ?? 2,
    headSize,
    heads,
    kvHeads: options.kvHeads ?? 1,
    embedding,
    feedForward: options.feedForward ?? 2 * embedding,
  };
}

function vocabularyOf(options: TinyModelOptions) {
  return tinyVocabulary({ pre: options.architecture === 'llama' ? 'llama-bpe' : 'qwen2', fim: options.fim ?? false });
}

/** Ids below this are text: what a test may feed at random. */
export const tinyTextTokens = vocabularyOf({ architecture: 'llama' }).firstSpecial;
export const tinyVocabularySize = vocabularyOf({ architecture: 'llama' }).tokens.length;

function tinyMetadata(options: TinyModelOptions): (readonly [string, GgufValue])[] {
  const { architecture } = options;
  const shapes = tinyShapes(options);
  const u32 = (key: string, value: number): [string, GgufValue] => [`${architecture}.${key}`, { type: 'u32', value }];
  const f32 = (key: string, value: number): [string, GgufValue] => [`${architecture}.${key}`, { type: 'f32', value }];
  const metadata: (readonly [string, GgufValue])[] = [
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.name', { type: 'string', value: `Tiny ${architecture}` }],
    u32('context_length', options.trainedContext ?? tinyTrainedContext),
    u32('embedding_length', shapes.embedding),
    u32('block_count', shapes.layers),
    u32('feed_forward_length', shapes.feedForward),
    u32('attention.head_count', shapes.heads),
    u32('attention.head_count_kv', shapes.kvHeads),
    u32('attention.key_length', shapes.headSize),
    u32('attention.value_length', shapes.headSize),
    f32('attention.layer_norm_rms_epsilon', 1e-5),
    u32('rope.dimension_count', shapes.headSize),
    f32('rope.freq_base', options.ropeBase ?? 10_000),
    u32('vocab_size', tinyVocabularySize),
  ];
  const scaling = options.ropeScaling;
  if (scaling) {
    metadata.push([`${architecture}.rope.scaling.type`, { type: 'string', value: scaling.type }]);
    metadata.push(f32('rope.scaling.factor', scaling.factor));
    if (scaling.type === 'yarn') {
      metadata.push(u32('rope.scaling.original_context_length', scaling.originalContext));
      for (const [key, value] of Object.entries(scaling.extra ?? {})) {
        metadata.push(f32(`rope.scaling.${key}`, value));
      }
    }
  }
  if (options.chatTemplate !== undefined) {
    metadata.push(['tokenizer.chat_template', { type: 'string', value: options.chatTemplate }]);
  }
  return [...metadata, ...vocabularyOf(options).metadata];
}

/** The tensors by name; a test may leave one out or reshape it before writing. */
function tinyTensors(options: TinyModelOptions): GgufTensor[] {
  const { layers, headSize, heads, kvHeads, embedding, feedForward } = tinyShapes(options);
  const random = new Random(options.seed ?? 1);
  const tensors: GgufTensor[] = [];
  const add = (name: string, shape: readonly number[], type: TensorType, values: Float32Array): void => {
    tensors.push({ name, shape, typeId: tensorFormats[type].id, data: encodeTensor(type, values) });
  };
  const type = options.quantization ?? 'f32';
  const outputType = options.outputQuantization ?? type;
  /** Rows of length `from`, `to` of them; gain 1 keeps the variance of what it multiplies. */
  const matrix = (name: string, from: number, to: number, gain: number, as = type): void =>
    add(`${name}.weight`, [from, to], as, random.normals(from * to, gain / Math.sqrt(from)));
  const vector = (name: string, size: number, deviation: number, mean: number): void =>
    add(name, [size], 'f32', random.normals(size, deviation, mean));

  // Logits of a deviation of about 2.5: neither flat nor decided by one token.
  const logitGain = 2.5;
  const { tokens } = vocabularyOf(options);
  matrix('token_embd', embedding, tokens.length, options.tied ? logitGain : Math.sqrt(embedding), outputType);
  vector('output_norm.weight', embedding, 0.1, 1);
  if (!options.tied) {
    matrix('output', embedding, tokens.length, logitGain, outputType);
  }
  if (options.ropeFactors) {
    add('rope_freqs.weight', [options.ropeFactors.length], 'f32', Float32Array.from(options.ropeFactors));
  }
  if (options.extraBias && options.architecture === 'qwen2') {
    vector('output.bias', tokens.length, 1, 0);
  }
  const bias = options.bias ?? options.architecture === 'qwen2';
  for (let layer = 0; layer < layers; layer++) {
    const block = `blk.${layer}`;
    vector(`${block}.attn_norm.weight`, embedding, 0.1, 1);
    // Attention logits of a deviation of about 2, so that some tokens matter and others do not.
    matrix(`${block}.attn_q`, embedding, heads * headSize, 1.4);
    matrix(`${block}.attn_k`, embedding, kvHeads * headSize, 1.4);
    matrix(`${block}.attn_v`, embedding, kvHeads * headSize, 1);
    if (bias) {
      vector(`${block}.attn_q.bias`, heads * headSize, 0.5, 0);
      vector(`${block}.attn_k.bias`, kvHeads * headSize, 0.5, 0);
      vector(`${block}.attn_v.bias`, kvHeads * headSize, 0.5, 0);
    }
    if (options.architecture === 'qwen3') {
      vector(`${block}.attn_q_norm.weight`, headSize, 0.2, 1.3);
      vector(`${block}.attn_k_norm.weight`, headSize, 0.2, 1.3);
    }
    matrix(`${block}.attn_output`, heads * headSize, embedding, 1);
    vector(`${block}.ffn_norm.weight`, embedding, 0.1, 1);
    matrix(`${block}.ffn_gate`, embedding, feedForward, 1);
    matrix(`${block}.ffn_up`, embedding, feedForward, 1);
    matrix(`${block}.ffn_down`, feedForward, embedding, 1);
    if (options.extraBias && options.architecture === 'llama') {
      vector(`${block}.attn_output.bias`, embedding, 0.3, 0);
      vector(`${block}.ffn_gate.bias`, feedForward, 0.3, 0);
      vector(`${block}.ffn_up.bias`, feedForward, 0.3, 0);
      vector(`${block}.ffn_down.bias`, embedding, 0.3, 0);
    }
  }
  return tensors;
}

/** The file before it is bytes. */
export function tinyModelFile(options: TinyModelOptions): GgufFile {
  return { metadata: tinyMetadata(options), tensors: tinyTensors(options) };
}

export function tinyModel(options: TinyModelOptions): WrittenGguf {
  return writeGguf(tinyModelFile(options));
}

/** @returns the path of the file `NAME.gguf` in the folder. */
export function saveTinyModel(folder: string, name: string, options: TinyModelOptions): string {
  const file = path.join(folder, `${name}.gguf`);
  writeFileSync(file, tinyModel(options).bytes);
  return file;
}
