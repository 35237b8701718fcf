/**
 * Tokens of fill-in-the-middle, of repositories and of files: by the ids of the metadata, else by their texts in the
 * vocabulary. A file that is only inspected gives the same answer as one that is loaded.
 */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type GgufFile, type GgufValue, writeGguf } from './tools/gguf-writer';
import { tinyModelFile } from './tools/tiny-model';
import { specialTokens } from './tools/tiny-vocabulary';
import { useWorkshop } from './tools/workshop';

const workshop = useWorkshop();

/** The texts of prefix, suffix, middle, repository and separator. */
type Texts = readonly [string, string, string, string, string];

const places: Texts = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|repo_name|>', '<|file_sep|>'];

function withTexts(file: GgufFile, texts: Texts): GgufFile {
  const renamed = (token: string) => texts[places.indexOf(token)] ?? token;
  return {
    ...file,
    metadata: file.metadata.map(([key, value]): readonly [string, GgufValue] =>
      key === 'tokenizer.ggml.tokens' && value.type === 'array' && value.of === 'string'
        ? [key, { ...value, value: value.value.map(renamed) }]
        : [key, value],
    ),
  };
}

function save(name: string, file: GgufFile): string {
  const saved = path.join(workshop.folder, `${name}.gguf`);
  writeFileSync(saved, writeGguf(file).bytes);
  return saved;
}

async function tokensOf(file: string) {
  const { tokens } = workshop.addon.inspectModel(file);
  expect((await workshop.model(file)).info.tokens).toEqual(tokens);
  const { fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator } = tokens;
  return [fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator];
}

const nonsense: Texts = ['<one>', '<two>', '<three>', '<four>', '<five>'];

describe('special tokens', () => {
  const base = tinyModelFile({ architecture: 'qwen2' });
  const tokens = base.metadata.find(([key]) => key === 'tokenizer.ggml.tokens')?.[1];
  const count = tokens?.type === 'array' ? tokens.value.length : 0;
  const ids = places.map((place) => count - specialTokens.length + (specialTokens as readonly string[]).indexOf(place));

  it('are those of the metadata, whatever their texts', async () => {
    const named = withTexts(tinyModelFile({ architecture: 'qwen2', fim: true }), nonsense);
    expect(await tokensOf(save('metadata', named))).toEqual(ids);
  });

  it.each<[name: string, texts: Texts, found: number]>([
    ['Qwen', places, 5],
    ['older Granite', ['<fim-prefix>', '<fim-suffix>', '<fim-middle>', '<reponame>', '<five>'], 4],
    ['StarCoder and Granite', ['<fim_prefix>', '<fim_suffix>', '<fim_middle>', '<four>', '<five>'], 3],
    ['DeepSeek', ['<｜fim▁begin｜>', '<｜fim▁hole｜>', '<｜fim▁end｜>', '<four>', '<five>'], 3],
  ])('are found by the texts of %s where the metadata is silent', async (name, texts, found) => {
    const expected = ids.map((id, index) => (index < found ? id : undefined));
    expect(await tokensOf(save(name, withTexts(base, texts)))).toEqual(expected);
  });

  it('are none where neither names them', async () => {
    expect(await tokensOf(save('none', withTexts(base, nonsense)))).toEqual(Array(5).fill(undefined));
  });
});
