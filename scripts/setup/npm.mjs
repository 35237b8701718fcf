import { Failure } from '../lib/failure.mjs';
import { root } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/** npm beside the running node, as npm itself says when it started us, else the one on PATH. */
function npmCommand() {
  const script = process.env['npm_execpath'];
  if (script?.endsWith('.js')) return { command: process.execPath, first: [script] };
  return { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', first: [] };
}

const NO_NETWORK = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network)\b/i;

/**
 * Runs npm; fails with one sentence.
 * @param {readonly string[]} args
 * @param {{what: string, cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void}} options
 *   what: the beginning of the sentence, "Installing the dependencies"
 */
export async function npm(args, { what, cwd = root, env = process.env, onLine }) {
  const { command, first } = npmCommand();
  const result = await run(command, [...first, ...args], { cwd, env, onLine });
  if (result.code === 0) return result.stdout;
  const why = NO_NETWORK.test(result.output)
    ? 'the npm registry was not reached; check the network (or npm’s registry and proxy settings)'
    : /ENOSPC/.test(result.output)
      ? 'the disk is full; make room'
      : 'npm’s own message is above';
  throw new Failure(`${what} failed: ${why}, and run this again.`, result.output);
}
