/** How many threads a computation gets by default. */

import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Decoding is bound by memory: more threads than this gain little. */
const maxDefaultThreads = 4;

/** @param asked 0 or absent: the default. */
export function chooseThreads(asked: number | undefined): number {
  const available = os.availableParallelism();
  if (asked !== undefined && asked > 0) {
    return Math.min(asked, available);
  }
  // One core is left to the editor: ggml's threads meet at a barrier after every operation, and one that does not get
  // its core makes all wait for a whole scheduler slice (measured on two busy cores: two threads 5 to 20 times slower
  // than one).
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
