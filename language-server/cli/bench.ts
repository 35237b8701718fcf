/** `bench decode|prefill|completion`: speed, against libllama in the same run, and of completions while typing. */

import { type CommandLine, usageError } from './arguments';
import { benchCompletion } from './bench-completion';
import { benchDecode } from './bench-decode';
import { benchPrefill } from './bench-prefill';
import type { Output } from './output';

export async function bench(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [what, ...rest] = line.operands;
  if (rest.length > 0) {
    throw usageError('bench takes one word: decode, prefill or completion.');
  }
  switch (what) {
    case 'decode':
      return benchDecode(line, output, signal);
    case 'prefill':
      return benchPrefill(line, output, signal);
    case 'completion':
      return benchCompletion(line, output, signal);
    default:
      throw usageError('bench takes one word: decode, prefill or completion.');
  }
}
