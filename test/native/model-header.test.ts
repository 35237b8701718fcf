/** The header that is read without the addon, for lists and before a download, says what the addon says of the same file. */

import { describe, expect, it } from 'vitest';
import { readHeaderOfFile } from '../../language-server/engine/gguf/header';
import { memoryNeeded, memoryParts } from '../../language-server/engine/memory';
import { fitOf } from '../../language-server/models/fit';
import { supportedArchitectures, supportOf } from '../../language-server/models/support';
import { type Architecture, saveTinyModel } from './tools/tiny-model';
import { failureOf, greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();

describe('a header without the addon', () => {
  it.each<Architecture>(['llama', 'qwen2', 'qwen3'])('says the same of %s', async (architecture) => {
    const file = workshop.file({ architecture, layers: 3, heads: 4, kvHeads: 2, quantization: 'q8_0' });
    const info = workshop.addon.inspectModel(file);
    const { header, bytes } = await readHeaderOfFile(file);
    expect({ ...header, bytes }).toMatchObject({
      architecture: info.architecture,
      name: info.name,
      parameters: info.parameters,
      quantization: info.quantization.toUpperCase(),
      bytes: info.bytes,
      trainedContext: info.trainedContext,
      layers: info.layers,
      kvBytesPerToken: info.kvBytesPerToken,
    });
    expect(supportOf(header)).toEqual({ supported: true });
    const fit = fitOf(
      { bytes, trainedContext: undefined, kvBytesPerToken: header.kvBytesPerToken ?? 0 },
      { host: 1e12 },
      512,
    );
    expect(fit.hostBytes).toBe(memoryNeeded(info, 512));
  });

  it('gives room for the keys and values that a context takes', async () => {
    const model = await workshop.model({ architecture: 'llama', layers: 3, heads: 4, kvHeads: 2 });
    const context = workshop.context(model, { contextTokens: 512, microBatch: 128 });
    const tokens400 = Int32Array.from({ length: 400 }, (_, index) => index % 200);
    await context.generate(greedy(tokens400, 1), {}).promise;
    const { fullBytes, tokens } = context.usage();
    const { keysAndValues } = memoryParts(model.info, tokens);
    expect(fullBytes).toBe(keysAndValues);
  });

  it('takes the architectures that the native graph takes', async () => {
    const other = 'mamba' as Architecture;
    const file = saveTinyModel(workshop.folder, 'other', { architecture: other });
    const { code, message } = await failureOf(() => workshop.addon.inspectModel(file));
    expect(code).toBe('UNSUPPORTED_ARCHITECTURE');
    expect(/\((.*) are\)/.exec(message)?.[1]?.split(/, | and /)).toEqual(supportedArchitectures);
  });
});
