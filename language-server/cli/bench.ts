/** `bench decode|prefill|repository`: speed, measured against libllama in the same run. */

import { type CommandLine, usageError } from './arguments';
import { benchDecode } from './bench-decode';
import { benchPrefill } from './bench-prefill';
import { benchRepository } from './bench-repository';
import type { Output } from './output';

export async function bench(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [what, ...rest] = line.operands;
  if (rest.length > (what === 'repository' ? 1 : 0)) {
    throw usageError('bench takes one word: decode, prefill or repository.');
  }
  switch (what) {
    case 'decode':
      return benchDecode(line, output, signal);
    case 'prefill':
      return benchPrefill(line, output, signal);
    case 'repository':
      return benchRepository(line, output, signal);
    default:
      throw usageError('bench takes one word: decode, prefill or repository.');
  }
}
