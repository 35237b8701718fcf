/** Entry of the command line: `node dist/cli.js COMMAND`. Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted. */

import { toEngineError } from './base/errors';
import { version } from './base/version';
import { type CommandLine, parseCommandLine, usage, usageError } from './cli/arguments';
import { ask } from './cli/ask';
import { calibrate } from './cli/calibrate';
import { complete } from './cli/complete';
import { context } from './cli/context';
import { doctor } from './cli/doctor';
import { needLaboratory } from './cli/laboratory';
import { models } from './cli/models';
import { endWithReader, terminalOutput } from './cli/output';
import { serve } from './cli/serve';

const output = terminalOutput();
const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());
endWithReader();
// what nothing caught may name a file of a stranger, and Node would print it as it is
process.on('uncaughtException', (error) => {
  output.message(String(error));
  process.exit(1);
});

async function run(line: CommandLine): Promise<number> {
  const { signal } = interruption;
  switch (line.command) {
    case 'complete':
      await complete(line, output, signal);
      return 0;
    case 'ask':
      await ask(line, output, signal);
      return 0;
    case 'context':
      await context(line, output, signal);
      return 0;
    case 'calibrate':
      await calibrate(line, output, signal);
      return 0;
    case 'bench':
      await needLaboratory('bench').bench(line, output, signal);
      return 0;
    case 'eval':
      await needLaboratory('eval').evaluate(line, output, signal);
      return 0;
    case 'models':
      await models(line, output, signal);
      return 0;
    case 'serve':
      return serve(line, signal);
    case 'doctor':
      return (await doctor(line, output, signal)) ? 0 : 1;
    default:
      throw usageError(`There is no command "${line.command}".`);
  }
}

async function main(): Promise<number> {
  try {
    const parsed = parseCommandLine(process.argv.slice(2), process.cwd());
    if (parsed.kind === 'command') {
      return await run(parsed);
    }
    output.lines(parsed.kind === 'help' ? usage.trimEnd().split('\n') : [version]);
    return 0;
  } catch (error) {
    const failure = toEngineError(error);
    output.progressDone();
    if (interruption.signal.aborted) {
      output.message('Interrupted.');
      return 130;
    }
    output.message(`${failure.message} ${failure.remedy}`);
    return failure.code === 'USAGE' ? 2 : 1;
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    output.message(String(error));
    process.exitCode = 1;
  },
);
