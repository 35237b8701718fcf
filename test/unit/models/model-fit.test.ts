import { describe, expect, test } from 'vitest';
import { memoryNeeded } from '../../../language-server/engine/memory';
import { bestOf, type FitModel, fitOf, minContextTokens } from '../../../language-server/models/fit';
import { describeFit } from '../../../language-server/protocol/model-texts';

const gigabyte = 1e9;
/** As Qwen2.5-Coder 1.5B at Q4_K_M. */
const model: FitModel = { bytes: 1.12e9, kvBytesPerToken: 28_672, trainedContext: 32_768 };

describe('a model on the CPU', () => {
  test('needs what the engine asks for before it loads one', () => {
    const fit = fitOf(model, { host: 8 * gigabyte }, 8192);
    expect(fit.hostBytes).toBe(memoryNeeded(model, 8192));
    expect(fit).toMatchObject({ kind: 'fits', tier: 'cpu', contextTokens: 8192, deviceBytes: 0 });
    const { weights, keysAndValues, importanceKeys, work } = fit.parts;
    expect(weights + keysAndValues + importanceKeys + work).toBe(fit.hostBytes);
  });

  test('is asked for no more context than it was trained for', () => {
    expect(fitOf({ ...model, trainedContext: 2048 }, { host: 8 * gigabyte }, 8192)).toMatchObject({
      kind: 'fits',
      wantedTokens: 2048,
      contextTokens: 2048,
    });
  });

  test('fits to the byte, and with less context where one is missing', () => {
    const host = memoryNeeded(model, 8192);
    expect(fitOf(model, { host }, 8192).kind).toBe('fits');
    const less = fitOf(model, { host: host - 1 }, 8192);
    expect(less.kind).toBe('less-context');
    expect(less.contextTokens).toBeLessThan(8192);
    expect(less.contextTokens).toBeGreaterThanOrEqual(8192 - 512);
    expect(less.contextTokens % 256).toBe(0);
    expect(less.hostBytes).toBeLessThanOrEqual(host - 1);
  });

  test('does not fit where the least context has no room', () => {
    const host = memoryNeeded(model, minContextTokens);
    expect(fitOf(model, { host }, 8192)).toMatchObject({ kind: 'less-context', contextTokens: minContextTokens });
    const not = fitOf(model, { host: host - 1 }, 8192);
    expect(not).toMatchObject({ kind: 'does-not-fit', contextTokens: 0, hostBytes: host });
  });
});

describe('a model on a GPU', () => {
  const memory = { host: 16 * gigabyte, device: 1.3 * gigabyte };

  test('has its keys and values there, or in the memory of the machine', () => {
    const there = fitOf(model, memory, 8192);
    const onHost = fitOf(model, { ...memory, tier: 'gpu-rows-on-host' }, 8192);
    expect(there).toMatchObject({ kind: 'less-context', tier: 'gpu' });
    expect(onHost).toMatchObject({ kind: 'fits', contextTokens: 8192 });
    expect(onHost.hostBytes - onHost.parts.work).toBe(onHost.parts.keysAndValues);
  });

  test('does not fit where its weights do not', () => {
    expect(fitOf(model, { host: 64 * gigabyte, device: gigabyte }, 8192).kind).toBe('does-not-fit');
  });
});

test('a sentence has the figure of each', () => {
  const say = (host: number) => describeFit(fitOf(model, { host }, 8192));
  expect(say(8e9)).toBe('fits: needs about 1.6 GB of memory with 8,192 tokens of context, and 8.0 GB are free');
  expect(say(1.5e9)).toMatch(
    /^fits with less context: needs about 1\.\d GB of memory with \d,\d{3} tokens instead of 8,192/,
  );
  expect(say(1e9)).toBe('does not fit: needs about 1.4 GB of memory with the least context, and 1.0 GB are free');
  expect(describeFit(fitOf(model, { host: 8e9, device: 8e9 }, 8192))).toMatch(
    /^fits: needs about 1\.4 GB of the GPU and 201 MB of memory with 8,192 tokens/,
  );
});

describe('the best of several', () => {
  const fit = (bytes: number) => fitOf({ ...model, bytes }, { host: 10 * gigabyte }, 8192);

  test('is the largest that leaves half of the memory', () => {
    expect(bestOf([0.5e9, 4e9, 2e9, 8e9, 40e9], fit)).toBe(4e9);
  });

  test('is none where none fits', () => {
    expect(bestOf([20e9, 40e9], fit)).toBeUndefined();
    expect(bestOf([1], () => undefined)).toBeUndefined();
  });
});
