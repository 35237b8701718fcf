/** What computes: the CPU, with how many threads, or a GPU that one of ggml's libraries brings. */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { EngineError } from '../base/errors';
import type { NativeDevice } from './native/addon';

/**
 * The GPU to use, or undefined for the CPU.
 * @param asked `auto`, nothing or `cpu` for the CPU, which alone can read the chunks of a repository; or the name of a GPU
 * @throws EngineError BAD_ARGUMENT if there is no GPU of that name
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

/** Decoding is bound by memory: more threads than this gain little. */
const maxDefaultThreads = 4;

/** The number of inference threads. @param asked 0 or absent for the default */
export function chooseThreads(asked: number | undefined): number {
  const available = os.availableParallelism();
  if (asked !== undefined && asked > 0) {
    return Math.min(asked, available);
  }
  // One core is left to the editor: ggml's threads meet at a barrier after every operation, and a thread that does not
  // get its core makes all others wait for a whole scheduler slice (measured on two busy cores: two threads were 5 to 20
  // times slower than one).
  return Math.max(1, Math.min(maxDefaultThreads, physicalCores() - 1, available));
}

function physicalCores(): number {
  const logical = os.cpus().length;
  if (process.platform === 'linux') {
    return linuxCores(logical) ?? logical;
  }
  // macOS lists physical cores; elsewhere x64 machines mostly run two threads on a core.
  return process.platform === 'darwin' || process.arch !== 'x64' ? logical : Math.ceil(logical / 2);
}

function linuxCores(logical: number): number | undefined {
  const cores = new Set<string>();
  for (let cpu = 0; cpu < logical; cpu++) {
    try {
      cores.add(readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8').trim());
    } catch {
      return undefined;
    }
  }
  return cores.size > 0 ? cores.size : undefined;
}
