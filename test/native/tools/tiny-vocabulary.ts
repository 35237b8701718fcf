/** A byte-level BPE vocabulary of a few hundred tokens, in the form that GGUF files of GPT-2 kind carry it. */

import type { GgufValue } from './gguf-writer';

/** Token types of `tokenizer.ggml.token_type`. */
const normalType = 1;
const controlType = 3;

export const specialTokens = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|fim_prefix|>',
  '<|fim_middle|>',
  '<|fim_suffix|>',
  '<|repo_name|>',
  '<|file_sep|>',
] as const;

/** A second token of each merge is joined to the first; both exist when it is applied. */
const merges: readonly (readonly [string, string])[] = [
  ['Ġ', 'Ġ'],
  ['ĠĠ', 'ĠĠ'],
  ['i', 'n'],
  ['e', 'r'],
  ['o', 'n'],
  ['r', 'e'],
  ['t', 'h'],
  ['th', 'e'],
  ['Ġ', 'the'],
  ['re', 't'],
  ['u', 'r'],
  ['ret', 'ur'],
  ['retur', 'n'],
  ['Ġ', 'return'],
  ['Ġ', '='],
  ['(', ')'],
  [';', 'Ċ'],
  ['c', 'on'],
  ['s', 't'],
  ['con', 'st'],
];

/** GPT-2's printable stand-ins: printable bytes are themselves, the others follow from U+0100 on. */
function byteCharacters(): string[] {
  const characters: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCharCode(printable ? byte : next++));
  }
  return characters;
}

interface TinyVocabulary {
  readonly tokens: readonly string[];
  /** Ids below are text, from here on special tokens. */
  readonly firstSpecial: number;
  readonly metadata: readonly (readonly [string, GgufValue])[];
}

/** Token i below 256 is byte i; then the merged tokens; then the special ones. */
export function tinyVocabulary(options: { readonly pre: string; readonly fim: boolean }): TinyVocabulary {
  const text = [...byteCharacters(), ...merges.map(([first, second]) => first + second)];
  const tokens = [...text, ...specialTokens];
  const id = (token: (typeof specialTokens)[number]): GgufValue => ({
    type: 'u32',
    value: text.length + specialTokens.indexOf(token),
  });
  const fim: [string, GgufValue][] = [
    ['tokenizer.ggml.fim_pre_token_id', id('<|fim_prefix|>')],
    ['tokenizer.ggml.fim_mid_token_id', id('<|fim_middle|>')],
    ['tokenizer.ggml.fim_suf_token_id', id('<|fim_suffix|>')],
    ['tokenizer.ggml.fim_rep_token_id', id('<|repo_name|>')],
    ['tokenizer.ggml.fim_sep_token_id', id('<|file_sep|>')],
  ];
  return {
    tokens,
    firstSpecial: text.length,
    metadata: [
      ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
      ['tokenizer.ggml.pre', { type: 'string', value: options.pre }],
      ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: tokens }],
      [
        'tokenizer.ggml.token_type',
        {
          type: 'array',
          of: 'i32',
          value: tokens.map((_, index) => (index < text.length ? normalType : controlType)),
        },
      ],
      [
        'tokenizer.ggml.merges',
        { type: 'array', of: 'string', value: merges.map(([first, second]) => `${first} ${second}`) },
      ],
      ['tokenizer.ggml.bos_token_id', id('<|endoftext|>')],
      ['tokenizer.ggml.eos_token_id', id('<|im_end|>')],
      ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
      ...(options.fim ? fim : []),
    ],
  };
}
