import { describe, expect, test } from 'vitest';
import { displayName, type NamedFields } from '../../../language-server/engine/display-name';

/** Fields in the order of a table: base name, size, finetune, quantization, general.name. */
function fields(
  baseName?: string,
  sizeLabel?: string,
  finetune?: string,
  quantization?: string,
  name?: string,
): NamedFields {
  return { baseName, sizeLabel, finetune, quantization, name };
}

describe("a model's shown name", () => {
  test.each<[file: string, NamedFields, shown: string]>([
    [
      'SmolLM2-135M-Instruct.Q4_1.gguf',
      fields('smollm2', '135M', '8k-lc100k-mix1-ep2', 'Q4_1', 'Smollm2 135M 8k Lc100K Mix1 Ep2'),
      'SmolLM2 135M Instruct, Q4_1',
    ],
    [
      'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf',
      fields('qwen2.5-coder', '0.5B', 'instruct-awq', 'Q4_K_M', 'Qwen2.5 Coder 0.5B Instruct AWQ'),
      'Qwen2.5-Coder 0.5B Instruct, Q4_K_M',
    ],
    [
      'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
      fields('qwen2.5-coder', '1.8B', 'instruct', 'Q4_K_M', 'qwen2.5-coder-1.5b-instruct'),
      'Qwen2.5-Coder 1.5B Instruct, Q4_K_M',
    ],
    [
      'Qwen2.5-Coder-7B-Q8_0.gguf',
      fields('Qwen2.5-Coder', '7B', undefined, 'Q8_0', 'Qwen2.5 Coder 7B'),
      'Qwen2.5-Coder 7B, Q8_0',
    ],
    [
      'Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf',
      fields('Qwen3-Coder-30B-A3B-Instruct', '30B-A3B', 'Instruct', 'Q4_K_M', 'Qwen3-Coder-30B-A3B-Instruct'),
      'Qwen3-Coder 30B-A3B Instruct, Q4_K_M',
    ],
    [
      'Qwen3-4B-Instruct-2507-UD-Q4_K_XL.gguf',
      fields('Qwen3-4B-Instruct-2507', '4B', 'Instruct', 'Q4_K_M', 'Qwen3-4B-Instruct-2507'),
      'Qwen3 4B Instruct 2507, Q4_K_XL',
    ],
    [
      'deepseek-coder-6.7b-instruct.Q4_K_M.gguf',
      fields(undefined, undefined, undefined, 'Q4_K_M', 'deepseek-ai_deepseek-coder-6.7b-instruct'),
      'DeepSeek-Coder 6.7B Instruct, Q4_K_M',
    ],
    [
      'starcoder2-3b-Q5_K_M.gguf',
      fields(undefined, undefined, undefined, 'Q5_K_M', 'starcoder2-3b'),
      'StarCoder2 3B, Q5_K_M',
    ],
    [
      'granite-3b-code-base-2k.Q4_K_M.gguf',
      fields('granite', '3b', 'code-base-2k', 'Q4_K_M', 'Granite 3b Code Base 2k'),
      'Granite 3B Code Base 2k, Q4_K_M',
    ],
    ['mellum-4b-base.Q8_0.gguf', fields('Mellum', '4b', 'base', 'Q8_0', 'Mellum 4b Base'), 'Mellum 4B Base, Q8_0'],
    [
      'Seed-Coder-8B-Base.Q4_K_M.gguf',
      fields('Seed-Coder', '8B', 'Base', 'Q4_K_M', 'Seed Coder 8B Base'),
      'Seed-Coder 8B Base, Q4_K_M',
    ],
    [
      'codellama-7b.Q4_0.gguf',
      fields(undefined, undefined, undefined, 'Q4_0', 'codellama_codellama-7b-hf'),
      'CodeLlama 7B, Q4_0',
    ],
    ['llama-2-7b-chat.Q4_0.gguf', fields(undefined, undefined, undefined, 'Q4_0', 'LLaMA v2'), 'Llama-2 7B Chat, Q4_0'],
    [
      'sha256-ac9bc7a69dab38da1c790838955f1293420b55ab555ef6b4615efa1c1507b1ed',
      fields('Qwen2.5-Coder', '1.5B', 'Instruct', 'Q4_K_M', 'Qwen2.5 Coder 1.5B Instruct'),
      'Qwen2.5-Coder 1.5B Instruct, Q4_K_M',
    ],
    ['ggml-model-q4_0.gguf', fields('phi', '2.7B', undefined, 'Q4_0', 'Phi 2'), 'Phi 2.7B, Q4_0'],
    ['model.gguf', fields(undefined, undefined, undefined, 'F16', 'StarCoder 1B'), 'StarCoder 1B, F16'],
    ['qwen2.5-coder:1.5b-base', fields(undefined, undefined, undefined, 'Q4_K_M'), 'Qwen2.5-Coder 1.5B Base, Q4_K_M'],
    ['gpt-oss-20b-mxfp4.gguf', fields('gpt-oss', '20B', undefined, 'MXFP4', 'Gpt Oss 20b'), 'GPT-OSS 20B, MXFP4'],
    [
      'DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf',
      fields('DeepSeek-R1-Distill-Qwen', '1.5B', undefined, 'Q4_K_M', 'DeepSeek R1 Distill Qwen 1.5B'),
      'DeepSeek-R1-Distill-Qwen 1.5B, Q4_K_M',
    ],
    [
      'Qwen3-Coder-480B-A35B-Instruct-Q4_K_M-00001-of-00006.gguf',
      fields('Qwen3-Coder', '480B-A35B', 'Instruct', 'Q4_K_M'),
      'Qwen3-Coder 480B-A35B Instruct, Q4_K_M',
    ],
    ['mein Modell.gguf', fields(), 'mein Modell'],
  ])('of %s is told from what it has', (file, given, shown) => {
    expect(displayName(given, `/models/${file}`)).toBe(shown);
  });

  test("is the catalogue's where the file is known", () => {
    const given = fields('smollm2', '135M', undefined, 'Q4_1');
    expect(displayName(given, 'x.gguf', 'SmolLM2 135M Instruct')).toBe('SmolLM2 135M Instruct, Q4_1');
  });

  test('holds nothing that is not seen, and an end', () => {
    const shown = displayName(fields(`evil\u202e${'x'.repeat(10_000)}`, '1B'), '\u200b.gguf');
    expect(shown).not.toMatch(/[\u202e\u200b]/u);
    expect(shown.length).toBeLessThan(250);
  });
});
