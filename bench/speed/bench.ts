/**
 * `bench decode|prefill|repository|completion`: speed, against libllama in the same run; of a repository in the context; and
 * of completions while typing.
 */

import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { benchCompletion } from './completion';
import { benchDecode } from './decode';
import { benchPrefill } from './prefill';
import { benchRepository } from './repository';

export async function bench(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [what, ...rest] = line.operands;
  if (rest.length > (what === 'repository' ? 1 : 0)) {
    throw usageError('bench takes one word: decode, prefill, repository or completion.');
  }
  switch (what) {
    case 'decode':
      return benchDecode(line, output, signal);
    case 'prefill':
      return benchPrefill(line, output, signal);
    case 'repository':
      return benchRepository(line, output, signal);
    case 'completion':
      return benchCompletion(line, output, signal);
    default:
      throw usageError('bench takes one word: decode, prefill, repository or completion.');
  }
}
