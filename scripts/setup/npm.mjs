import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { root } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/** What `npm run` tells its children about itself: a second npm in another folder must not take it for its own. */
const OF_THE_OUTER_NPM =
  /^(npm_(package|lifecycle)_.*|npm_(command|execpath|node_execpath)|npm_config_(local_prefix|user_agent)|INIT_CWD)$/i;

const NO_NETWORK = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|UND_ERR_\w+)\b/;

/**
 * Runs npm; fails with one sentence.
 * @param {readonly string[]} args
 * @param {object} options
 * @param {string} options.what the beginning of the sentence: "Installing the dependencies"
 * @param {string} [options.cwd]
 * @param {string} [options.node] folder of the node that npm shall run with; default: ours
 * @param {Record<string, string>} [options.env] added to the environment
 * @param {(line: string) => void} [options.onLine]
 */
export async function npm(args, { what, cwd = root, node = path.dirname(process.execPath), env = {}, onLine }) {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_OUTER_NPM.test(name)));
  const pathName = Object.keys(own).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const script = process.env['npm_execpath'];
  const [command, ...first] = script?.endsWith('.js')
    ? [path.join(node, process.platform === 'win32' ? 'node.exe' : 'node'), script]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
  const result = await run(command, [...first, ...args], {
    cwd,
    env: { ...own, [pathName]: `${node}${path.delimiter}${own[pathName] ?? ''}`, ...env },
    onLine,
  });
  if (result.code === 0) return result.stdout;
  const output = result.output.replace(/^npm (http|verbose|timing|warn) .*\n/gm, '');
  const why = NO_NETWORK.test(output)
    ? 'the npm registry was not reached; check the network, or npm’s registry and proxy settings'
    : /ENOSPC/.test(output)
      ? 'the disk is full; make room'
      : 'npm’s own message is above';
  throw new Failure(`${what} failed: ${why}, and run this again.`, output);
}
