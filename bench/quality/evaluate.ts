/** `eval fidelity|retrieval|cross-file|citations`: quality of sparse decoding, against dense and against other ways to choose. */

import { type CommandLine, usageError } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { evalCitations } from './citations';
import { evalCrossFile } from './cross-file';
import { evalFidelity } from './fidelity';
import { evalRetrieval } from './retrieval';

export async function evaluate(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [what, ...rest] = line.operands;
  if (rest.length === 0 && what === 'fidelity') {
    return evalFidelity(line, output, signal);
  }
  if (rest.length === 0 && what === 'retrieval') {
    return evalRetrieval(line, output, signal);
  }
  if (rest.length === 0 && what === 'cross-file') {
    return evalCrossFile(line, output, signal);
  }
  if (rest.length === 0 && what === 'citations') {
    return evalCitations(line, output, signal);
  }
  throw usageError('eval takes one word: fidelity, retrieval, cross-file or citations.');
}
