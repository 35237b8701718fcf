/** Texts that stress a tokenizer: long runs of one character, in all the ways of splitting that vocabularies ask for. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GgufFile, type GgufValue, writeGguf } from '../tools/gguf-writer';
import { tinyModelFile } from '../tools/tiny-model';
import { useWorkshop } from '../tools/workshop';
import { withKey } from './hostile-corpus';
import { type Outcome, runIsolated } from './isolated';
import type { TextAttempt, TextInput } from './text-child';

const workshop = useWorkshop();

/** Of `tokenizer.ggml.pre`: what llama, qwen2 and qwen3 files are seen with. Some split by recursive expressions. */
const splitters = ['qwen2', 'llama-bpe', 'default', 'deepseek-coder', 'tekken'];

const runs = { letters: 'a', brackets: '(', spaces: ' ', digits: '7', 'line ends': '\n', accents: 'é', words: 'ab ' };

/** Far over what recursion survives, far under the limit of one call. */
const characters = 400_000;

/** All runs through one process, which a crash would end. */
async function tokenizeRuns(file: string, count: number): Promise<Map<string, Outcome<TextAttempt>>> {
  const inputs = Object.values(runs).map((unit): TextInput => ({ path: file, unit, characters: count }));
  const results = await runIsolated<TextInput, TextAttempt>('text-child.ts', workshop.folder, inputs, 60_000);
  return new Map(Object.keys(runs).map((name, i) => [name, results[i] ?? { crash: 'it was not tried' }]));
}

function resultOf(outcome: Outcome<TextAttempt> | undefined): TextAttempt {
  if (!outcome || 'crash' in outcome) {
    throw new Error(`the process did not survive: ${outcome?.crash}`);
  }
  return outcome.result;
}

describe.each(splitters)('split as %s', (pre) => {
  let outcomes = new Map<string, Outcome<TextAttempt>>();

  beforeAll(async () => {
    const file = path.join(workshop.folder, `${pre}.gguf`);
    const model = withKey(tinyModelFile({ architecture: 'llama' }), 'tokenizer.ggml.pre', {
      type: 'string',
      value: pre,
    });
    writeFileSync(file, writeGguf(model).bytes);
    outcomes = await tokenizeRuns(file, characters);
  });

  it.each(Object.keys(runs))('a line of nothing but %s', (name) => {
    expect(resultOf(outcomes.get(name))).toEqual({ bytes: 'the same' });
  });
});

/** Sentence pieces instead of byte pairs, as older llama files have them: scores, and a token for each byte. */
function sentencePieces(bytes: boolean): GgufFile {
  const unknownType = 2;
  const controlType = 3;
  const byteType = 6;
  const pieces: [string, number][] = [
    ['<unk>', unknownType],
    ['<s>', controlType],
    ['</s>', controlType],
  ];
  for (let byte = 0; byte < 256 && bytes; byte++) {
    pieces.push([`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, byteType]);
  }
  for (const text of ['\u2581', 'a', 'b', 'ab', '\u2581ab', '(']) {
    pieces.push([text, 1]);
  }
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const changes: [string, GgufValue | undefined][] = [
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.pre', undefined],
    ['tokenizer.ggml.merges', undefined],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: pieces.map(([text]) => text) }],
    ['tokenizer.ggml.scores', { type: 'array', of: 'f32', value: pieces.map((_, i) => -i) }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: pieces.map(([, type]) => type) }],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
    ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: false }],
  ];
  return changes.reduce((file, [key, value]) => withKey(file, key, value), tinyModelFile({ architecture: 'llama' }));
}

describe.each([
  ['sentence pieces', true],
  ['sentence pieces with no token for a byte', false],
] as const)('%s', (_, bytes) => {
  let outcomes = new Map<string, Outcome<TextAttempt>>();

  beforeAll(async () => {
    const file = path.join(workshop.folder, `pieces-${bytes}.gguf`);
    writeFileSync(file, writeGguf(sentencePieces(bytes)).bytes);
    outcomes = await tokenizeRuns(file, 60_000);
  });

  it.each(Object.keys(runs))('a line of nothing but %s', (name) => {
    const result = resultOf(outcomes.get(name));
    if (bytes) {
      expect(result).toEqual({ bytes: 'the same' });
    } else {
      // Text that the vocabulary cannot say: refused, or told by its unknown token.
      expect([{ bytes: 'the same' }, { bytes: 'others' }, { code: 'BAD_VOCABULARY' }]).toContainEqual(result);
    }
  });
});
