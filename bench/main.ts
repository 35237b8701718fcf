/** Entry of dist/bench.js, the laboratory: what the command line and `calibrate` take from it. It does not ship. */

import type { CommandLine } from '../language-server/cli/arguments';
import { usageError } from '../language-server/cli/arguments';
import type { Command, Laboratory } from '../language-server/cli/laboratory';
import { loadLaboratoryAddon } from './common/addon';
import { prepareDecision } from './cross-file/decide-composition';
import { evalCitations } from './quality/citations';
import { evalCrossFile } from './quality/cross-file';
import { evalFidelity } from './quality/fidelity';
import { evalRetrieval } from './quality/retrieval';
import { benchCompletion } from './speed/completion';
import { benchDecode } from './speed/decode';
import { benchPrefill } from './speed/prefill';
import { benchRepository } from './speed/repository';

/** Speed: against libllama in the same run, of a repository in the context, and of completions while typing. */
const benchmarks = new Map<string | undefined, Command>([
  ['decode', benchDecode],
  ['prefill', benchPrefill],
  ['repository', benchRepository],
  ['completion', benchCompletion],
]);

/** Quality of sparse decoding, against dense decoding and against other ways to choose. */
const evaluations = new Map<string | undefined, Command>([
  ['fidelity', evalFidelity],
  ['retrieval', evalRetrieval],
  ['cross-file', evalCrossFile],
  ['citations', evalCitations],
]);

function chosen({ operands: [what, ...rest] }: CommandLine, commands: ReadonlyMap<string | undefined, Command>) {
  const maxOperands = what === 'repository' ? 1 : 0;
  return rest.length > maxOperands ? undefined : commands.get(what);
}

export const laboratory: Laboratory = {
  async bench(line, output, signal) {
    const run = chosen(line, benchmarks);
    if (run === undefined) {
      throw usageError('bench takes one word: decode, prefill, repository or completion.');
    }
    await run(line, output, signal);
  },
  async evaluate(line, output, signal) {
    const run = chosen(line, evaluations);
    if (run === undefined) {
      throw usageError('eval takes one word: fidelity, retrieval, cross-file or citations.');
    }
    await run(line, output, signal);
  },
  loadAddon: loadLaboratoryAddon,
  prepareDecision,
};
