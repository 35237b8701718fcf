/** A split model becomes one file that is the model: the same tensors, and the same tokens. */

import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinParts } from '../../language-server/engine/gguf/join';
import { type GgufTensor, type GgufValue, writeGguf } from './tools/gguf-writer';
import { tinyModel, tinyModelFile } from './tools/tiny-model';
import { greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const options = { architecture: 'qwen2', layers: 3, quantization: 'q8_0' } as const;
const whole = tinyModelFile(options);
const signal = new AbortController().signal;

function split(no: number, count: number): (readonly [string, GgufValue])[] {
  return [
    ['split.no', { type: 'u16', value: no }],
    ['split.count', { type: 'u16', value: count }],
    ['split.tensors.count', { type: 'i32', value: whole.tensors.length }],
  ];
}

/** As `llama-gguf-split` writes them: all metadata in the first, that of the split in each. */
function save(name: string, cuts: readonly number[], change: (no: number) => number = (no) => no): string[] {
  const groups = cuts.map((cut, index) => whole.tensors.slice(cuts[index - 1] ?? 0, cut));
  return groups.map((tensors: readonly GgufTensor[], index) => {
    const file = path.join(workshop.folder, `${name}-0000${index + 1}-of-0000${cuts.length}.gguf`);
    const metadata = [...(index === 0 ? whole.metadata : []), ...split(change(index), cuts.length)];
    writeFileSync(file, writeGguf({ metadata, tensors }).bytes);
    return file;
  });
}

describe('the parts of a split model', () => {
  it.each([
    ['two', [7, whole.tensors.length]],
    ['three', [1, 2, whole.tensors.length]],
    ['several, one of which has no tensors', [0, 9, whole.tensors.length]],
  ] as const)('(%s) are joined to the model', async (name, cuts) => {
    const target = path.join(workshop.folder, `${name}.gguf`);
    const shares: number[] = [];
    await joinParts(save(name, cuts), target, { signal, onProgress: (share) => shares.push(share) });
    expect(shares.at(-1)).toBe(1);
    const original = path.join(workshop.folder, 'original.gguf');
    writeFileSync(original, tinyModel(options).bytes);
    const [joined, expected] = await Promise.all([workshop.model(target), workshop.model(original)]);
    expect(joined.info).toEqual({
      ...expected.info,
      path: target,
      bytes: joined.info.bytes,
      fingerprint: joined.info.fingerprint,
    });
    const prompt = Int32Array.from({ length: 50 }, (_, index) => (index * 7) % 200);
    const tokensOf = async (model: typeof joined) =>
      (await workshop.context(model, { contextTokens: 128, microBatch: 32 }).generate(greedy(prompt, 20), {}).promise)
        .tokens;
    expect(await tokensOf(joined)).toEqual(await tokensOf(expected));
  });

  it('that do not belong together are refused, and leave nothing', async () => {
    const target = path.join(workshop.folder, 'never.gguf');
    const join = (files: readonly string[]) => joinParts(files, target, { signal });
    const [first = '', second = '', third = ''] = save('parts', [3, 8, whole.tensors.length]);
    await expect(join([first, third])).rejects.toMatchObject({ code: 'BAD_GGUF' });
    await expect(join([second, first, third])).rejects.toThrow(/should be part 1 of 3 says that it is part 2 of 3/);
    await expect(join(save('same', [3, whole.tensors.length], () => 0))).rejects.toThrow(/part 1 of 2/);
    const cut = path.join(workshop.folder, 'cut.gguf');
    writeFileSync(cut, tinyModel(options).bytes.subarray(0, 100));
    await expect(join([cut])).rejects.toThrow(/ends inside of its header/);
    const stopped = AbortSignal.abort();
    await expect(joinParts([first, second, third], target, { signal: stopped })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(readdirSync(workshop.folder).filter((name) => name.startsWith('never'))).toEqual([]);
  });
});
