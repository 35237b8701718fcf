import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../language-server/base/errors';
import { chooseDevice } from '../../../language-server/engine/devices';
import type { NativeDevice } from '../../../language-server/engine/native/addon';

const device = (name: string, kind: NativeDevice['kind'], software = false): NativeDevice => ({
  name,
  description: name,
  kind,
  software,
  memoryFree: 1,
  memoryTotal: 2,
});
const cpu = device('CPU', 'cpu');
const blas = device('BLAS', 'accelerator');
const lavapipe = device('Vulkan0', 'gpu', true);
const card = device('Vulkan1', 'gpu');

describe('the device', () => {
  it.each([undefined, '', 'auto'])('is the CPU by default, where repositories are read (%s)', (asked) => {
    expect(chooseDevice([cpu, blas, lavapipe, card], asked)).toBeUndefined();
    expect(chooseDevice([cpu, blas, lavapipe], asked)).toBeUndefined();
    expect(chooseDevice([cpu], asked)).toBeUndefined();
  });

  it('is the CPU when asked for', () => {
    expect(chooseDevice([cpu, card], 'cpu')).toBeUndefined();
    expect(chooseDevice([cpu, card], 'CPU')).toBeUndefined();
  });

  it('is the named GPU, even a software driver', () => {
    expect(chooseDevice([cpu, lavapipe, card], 'vulkan0')).toBe(lavapipe);
  });

  it.each(['CUDA0', 'BLAS', ' '])('is refused when there is no GPU of that name: %j', (asked) => {
    expect(() => chooseDevice([cpu, blas, card], asked)).toThrowError(EngineError);
    expect(() => chooseDevice([cpu, blas, card], asked)).toThrowError('Vulkan1');
  });
});
