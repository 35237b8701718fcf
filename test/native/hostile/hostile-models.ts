/** Well-formed GGUF files that are no model we can run: keys, shapes, vocabularies. */

import type { NativeErrorCode } from '../../../language-server/base/errors';
import type { GgufValue } from '../tools/gguf-writer';
import { tensorFormats } from '../tools/quantize';
import { type Architecture, tinyVocabularySize } from '../tools/tiny-model';
import { type HostileCorpus, withKey, withTensor } from './hostile-corpus';

const u32 = (value: number): GgufValue => ({ type: 'u32', value });
const i32 = (value: number): GgufValue => ({ type: 'i32', value });
const f32 = (value: number): GgufValue => ({ type: 'f32', value });
const string = (value: string): GgufValue => ({ type: 'string', value });
const strings = (value: readonly string[]): GgufValue => ({ type: 'array', of: 'string', value });

/** The last part of a key, as a pattern that a message must hold. */
const named = (key: string): RegExp => new RegExp(key.split('.').at(-1) ?? key);

const sizeKeys = [
  'block_count',
  'embedding_length',
  'feed_forward_length',
  'attention.head_count',
  'attention.head_count_kv',
  'context_length',
  'attention.key_length',
].map((key) => `llama.${key}`);

/** Every key that is read, with values of types that it cannot have. */
export function wrongTypes(corpus: HostileCorpus): void {
  const list: GgufValue = { type: 'array', of: 'f32', value: [1, 2] };
  const bool: GgufValue = { type: 'bool', value: true };
  const kinds: [string, readonly string[], readonly GgufValue[]][] = [
    ['a text', ['general.architecture', 'general.name', 'llama.rope.scaling.type'], [u32(1), list, bool]],
    ['a template', ['tokenizer.chat_template'], [u32(1), list, bool]],
    ['a size', [...sizeKeys, 'llama.rope.dimension_count'], [string('2'), f32(2), list]],
    [
      'a number',
      ['llama.attention.layer_norm_rms_epsilon', 'llama.rope.freq_base', 'llama.rope.scaling.factor'],
      [string('2'), list, bool],
    ],
  ];
  for (const [kind, keys, values] of kinds) {
    for (const key of keys) {
      for (const value of values) {
        corpus.key(`${key}, ${kind}, as ${value.type}`, key, value, ['BAD_GGUF'], named(key));
      }
    }
  }
  for (const key of ['tokenizer.ggml.model', 'tokenizer.ggml.pre', 'tokenizer.ggml.add_bos_token']) {
    corpus.key(`${key} as a list`, key, list, ['BAD_GGUF', 'BAD_VOCABULARY'], named(key));
  }
  for (const key of ['bos', 'eos', 'fim_pre'].map((name) => `tokenizer.ggml.${name}_token_id`)) {
    corpus.key(`${key} as a text`, key, string('1'), ['BAD_GGUF', 'BAD_VOCABULARY'], named(key));
  }
  for (const key of ['tokens', 'merges', 'token_type'].map((name) => `tokenizer.ggml.${name}`)) {
    corpus.key(`${key} as a text`, key, string('a'), ['BAD_GGUF', 'BAD_VOCABULARY'], named(key));
    corpus.key(`${key} as a list of floats`, key, list, ['BAD_GGUF', 'BAD_VOCABULARY'], named(key));
  }
}

export function wrongSizes(corpus: HostileCorpus): void {
  for (const key of ['general.architecture', ...sizeKeys.slice(0, 4), 'llama.context_length']) {
    corpus.key(`without ${key}`, key, undefined, ['BAD_GGUF'], named(key));
  }
  const epsilon = 'llama.attention.layer_norm_rms_epsilon';
  corpus.key(`without ${epsilon}`, epsilon, undefined, ['BAD_GGUF'], named(epsilon));
  for (const key of sizeKeys) {
    for (const value of [u32(0), i32(-1), u32(0xffffffff), { type: 'u64', value: 1n << 63n } as const]) {
      corpus.key(`${key} of ${value.type} ${value.value}`, key, value, ['BAD_GGUF'], named(key));
    }
  }
  corpus.key('three heads on two KV heads', 'llama.attention.head_count_kv', u32(2), ['BAD_GGUF', 'WRONG_SHAPE']);
  corpus.key('more KV heads than heads', 'llama.attention.head_count_kv', u32(4), ['BAD_GGUF'], /head/);
  corpus.rebuilt(
    'heads that do not divide the embedding',
    (file) =>
      withKey(
        withKey(withKey(file, 'llama.attention.key_length', undefined), 'llama.attention.value_length', undefined),
        'llama.attention.head_count',
        u32(3),
      ),
    ['BAD_GGUF'],
    /head/,
  );
  for (const [name, value] of [
    ['not a number', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['negative', -1],
  ] as const) {
    for (const key of [epsilon, 'llama.rope.freq_base', 'llama.rope.scaling.factor']) {
      corpus.key(`${key} is ${name}`, key, f32(value), ['BAD_GGUF'], named(key));
    }
  }
  corpus.key('a rope base of nothing', 'llama.rope.freq_base', f32(0), ['BAD_GGUF'], /freq_base/);
  corpus.key('one layer more than there is', 'llama.block_count', u32(3), ['MISSING_TENSOR'], /blk\.2\./);
  corpus.key('one layer less than there is', 'llama.block_count', u32(1), ['UNSUPPORTED_MODEL'], /blk\.1\./);
  corpus.key('another embedding', 'llama.embedding_length', u32(128), ['WRONG_SHAPE'], /\w+\.weight/);
  corpus.key('another head count', 'llama.attention.head_count', u32(4), ['WRONG_SHAPE'], /attn_q/);
  corpus.key('another feed-forward size', 'llama.feed_forward_length', u32(96), ['WRONG_SHAPE'], /ffn_/);
}

export function unsupportedModels(corpus: HostileCorpus): void {
  for (const architecture of [
    'gpt2',
    'mamba',
    'llama4',
    'LLAMA',
    'qwen2moe',
    '',
    '../../etc/passwd',
    'x'.repeat(5000),
  ]) {
    corpus.key(
      `architecture "${architecture.slice(0, 20)}"`,
      'general.architecture',
      string(architecture),
      ['UNSUPPORTED_ARCHITECTURE'],
      /architecture/,
    );
  }
  // The keys of the architecture that it says, not of the one that it is.
  corpus.key('llama that says qwen2', 'general.architecture', string('qwen2'), ['BAD_GGUF'], /qwen2\./);
  const unsupported: readonly NativeErrorCode[] = ['UNSUPPORTED_MODEL'];
  corpus.key('experts', 'llama.expert_count', u32(8), unsupported, /expert/);
  corpus.key('half of a head rotated', 'llama.rope.dimension_count', u32(32), unsupported, /rotat|dimension/);
  corpus.key('values of another size', 'llama.attention.value_length', u32(32), unsupported, /value/);
  corpus.key('not causal', 'llama.attention.causal', { type: 'bool', value: false }, unsupported, /causal/);
  for (const type of ['longrope', 'dynamic', 'x'.repeat(3000)]) {
    const key = 'llama.rope.scaling.type';
    corpus.key(`RoPE scaling ${type.slice(0, 12)}`, key, string(type), unsupported, /scaling/);
  }
  const heads: GgufValue = { type: 'array', of: 'u32', value: [2, 1] };
  corpus.key('heads that differ by layer', 'llama.attention.head_count', heads, unsupported, /head_count/);
  corpus.key('one part of a split model', 'split.count', { type: 'u16', value: 4 }, unsupported, /split|part/);
}

export function wrongTensors(corpus: HostileCorpus): void {
  const optional = ['output.weight'];
  for (const { name } of corpus.file.tensors) {
    const pattern = new RegExp(name.replaceAll('.', '\\.'));
    if (!optional.includes(name)) {
      corpus.tensor(`without ${name}`, name, () => undefined, ['MISSING_TENSOR'], pattern);
    }
    // Another order of the same values: the same bytes, another shape.
    corpus.tensor(
      `${name} of the wrong shape`,
      name,
      (tensor) => ({ ...tensor, shape: tensor.shape.length > 1 ? [32, ...tensor.shape.slice(1)] : [32] }),
      // The file has more data than the shape needs, where no gap may be.
      ['WRONG_SHAPE', 'BAD_GGUF'],
      pattern.source.includes('token_embd') ? undefined : /weight/,
    );
  }
  const exact: [string, string, readonly number[]][] = [
    ['turned', 'blk.0.attn_k.weight', [64, 1, 64]],
    ['a matrix as a vector', 'blk.0.attn_q.weight', [64 * 128]],
    ['a vector as a matrix', 'blk.0.attn_norm.weight', [32, 2]],
    ['four dimensions', 'blk.1.ffn_gate.weight', [64, 8, 4, 2]],
    ['turned embedding', 'token_embd.weight', [tinyVocabularySize, 64]],
  ];
  for (const [name, tensor, shape] of exact) {
    corpus.tensor(`${tensor}: ${name}`, tensor, (old) => ({ ...old, shape }), ['WRONG_SHAPE'], /weight/);
  }
  // Types that ggml knows, but that no weight has: f64, i32, i8; and a vector that is not f32.
  for (const [name, typeId, bytes] of [
    ['f64', 28, 8],
    ['i32', 26, 4],
    ['i8', 24, 1],
  ] as const) {
    const tensor = 'blk.0.attn_k.weight';
    const data = new Uint8Array(64 * 64 * bytes);
    corpus.tensor(`${tensor} as ${name}`, tensor, (old) => ({ ...old, typeId, data }), ['UNSUPPORTED_MODEL'], /attn_k/);
  }
  const f16 = tensorFormats.f16.id;
  const norm = 'blk.0.attn_norm.weight';
  const halves = new Uint8Array(128);
  corpus.tensor(
    'a norm as f16',
    norm,
    (old) => ({ ...old, typeId: f16, data: halves }),
    ['UNSUPPORTED_MODEL'],
    /attn_norm/,
  );
  corpus.rebuilt(
    'a tensor that the graph does not know',
    (file) => ({
      ...file,
      tensors: [
        ...file.tensors,
        { name: 'blk.0.attn_sinks.weight', shape: [64], typeId: 0, data: new Uint8Array(256) },
      ],
    }),
    ['UNSUPPORTED_MODEL'],
    /attn_sinks/,
  );
  const factors = { name: 'rope_freqs.weight', shape: [16], typeId: 0, data: new Uint8Array(64) };
  corpus.rebuilt(
    'too few factors on the frequencies',
    (file) => ({ ...file, tensors: [...file.tensors, factors] }),
    ['WRONG_SHAPE'],
    /rope_freqs/,
  );
  const norms: [Architecture, string][] = [
    ['qwen3', 'blk.1.attn_q_norm.weight'],
    ['qwen3', 'blk.0.attn_k_norm.weight'],
  ];
  for (const [architecture, name] of norms) {
    corpus.rebuilt(
      `${architecture} without ${name}`,
      (file) => withTensor(file, name, () => undefined),
      ['MISSING_TENSOR'],
      /attn_._norm/,
      { architecture },
    );
  }
}

export function wrongVocabularies(corpus: HostileCorpus): void {
  const bad: readonly NativeErrorCode[] = ['BAD_VOCABULARY'];
  const tokens = corpus.file.metadata.find(([key]) => key === 'tokenizer.ggml.tokens')?.[1].value as string[];
  corpus.key('no tokens', 'tokenizer.ggml.tokens', undefined, bad, /tokens/);
  corpus.key('an empty list of tokens', 'tokenizer.ggml.tokens', strings([]), bad, /tokens/);
  corpus.key('more tokens than embeddings', 'tokenizer.ggml.tokens', strings([...tokens, 'x']), bad, /token/);
  corpus.key(
    'a token that is there twice',
    'tokenizer.ggml.tokens',
    strings([...tokens.slice(0, -1), tokens[5] ?? '']),
    bad,
    /token/,
  );
  corpus.key('too few token types', 'tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: [1] }, bad, /type/);
  corpus.key('no merges', 'tokenizer.ggml.merges', undefined, bad, /merges/);
  for (const model of ['bert', 't5', 'rwkv', 'nothing', '']) {
    corpus.key(`a tokenizer "${model}"`, 'tokenizer.ggml.model', string(model), bad, /tokenizer/);
  }
  corpus.key('no tokenizer', 'tokenizer.ggml.model', undefined, bad, /tokenizer/);
  corpus.key('an unknown pre-tokenizer', 'tokenizer.ggml.pre', string('made-up'), bad, /token/);
  for (const name of [
    'bos',
    'eos',
    'eot',
    'unknown',
    'padding',
    'fim_pre',
    'fim_suf',
    'fim_mid',
    'fim_rep',
    'fim_sep',
  ]) {
    const key = `tokenizer.ggml.${name}_token_id`;
    corpus.key(`${key} past the vocabulary`, key, u32(tinyVocabularySize), bad, named(key));
    corpus.key(`${key} far past it`, key, u32(0x7fffffff), bad, named(key));
  }
}
