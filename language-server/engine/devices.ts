/** Which device computes: the CPU, or a GPU that one of ggml's libraries brings. */

import { EngineError } from '../base/errors';
import type { NativeDevice } from './native/addon';

/**
 * The GPU to use; undefined: the CPU.
 * @param asked `auto` (or nothing) and `cpu`: the CPU, where alone chunks of a repository are read; or the name of a GPU
 * @throws EngineError BAD_ARGUMENT when there is no GPU of that name
 */
export function chooseDevice(devices: readonly NativeDevice[], asked: string | undefined): NativeDevice | undefined {
  const gpus = devices.filter(({ kind }) => kind === 'gpu');
  if (asked === undefined || ['', 'auto', 'cpu'].includes(asked.toLowerCase())) {
    return undefined;
  }
  const found = gpus.find(({ name }) => name.toLowerCase() === asked.toLowerCase());
  if (found === undefined) {
    const there = gpus.length === 0 ? 'none is there' : `there is ${gpus.map(({ name }) => name).join(', ')}`;
    throw new EngineError('BAD_ARGUMENT', `There is no GPU "${asked}": ${there}.`, {
      remedy: 'Use auto or cpu, or see "fasa-code doctor" for the devices of this machine.',
    });
  }
  return found;
}
