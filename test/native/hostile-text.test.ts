/** Texts that stress a tokenizer: long runs of one character, in all the ways of splitting that vocabularies ask for. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeGguf } from './gguf-writer';
import { withKey } from './hostile-corpus';
import { type Outcome, runIsolated } from './isolated';
import type { TextAttempt, TextInput } from './text-child';
import { tinyModelFile } from './tiny-model';
import { useWorkshop } from './workshop';

const workshop = useWorkshop();

/** Of `tokenizer.ggml.pre`: what llama, qwen2 and qwen3 files are seen with. Some split by recursive expressions. */
const splitters = ['qwen2', 'llama-bpe', 'default', 'deepseek-coder', 'tekken'];

const runs = { letters: 'a', brackets: '(', spaces: ' ', digits: '7', 'line ends': '\n', accents: 'é', words: 'ab ' };

/** Far over what recursion survives, far under the limit of one call. */
const characters = 400_000;

describe.each(splitters)('split as %s', (pre) => {
  const outcomes = new Map<string, Outcome<TextAttempt>>();

  beforeAll(async () => {
    const file = path.join(workshop.folder, `${pre}.gguf`);
    const model = withKey(tinyModelFile({ architecture: 'llama' }), 'tokenizer.ggml.pre', {
      type: 'string',
      value: pre,
    });
    writeFileSync(file, writeGguf(model).bytes);
    const inputs = Object.values(runs).map((unit): TextInput => ({ path: file, unit, characters }));
    const results = await runIsolated<TextInput, TextAttempt>('text-child.ts', workshop.folder, inputs, 60_000);
    Object.keys(runs).forEach((name, i) => {
      const outcome = results[i];
      if (outcome) {
        outcomes.set(name, outcome);
      }
    });
  });

  it.each(Object.keys(runs))('a line of nothing but %s', (name) => {
    const outcome = outcomes.get(name);
    if (!outcome || 'crash' in outcome) {
      throw new Error(`the process did not survive: ${outcome?.crash}`);
    }
    expect(outcome.result).toEqual({ bytes: 'the same' });
  });
});
