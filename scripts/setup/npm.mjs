import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { root } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/** What `npm run` tells its children about itself: a second npm in another folder must not take it for its own. */
const OF_THE_OUTER_NPM =
  /^(npm_(package|lifecycle)_.*|npm_(command|execpath|node_execpath)|npm_config_(local_prefix|user_agent)|INIT_CWD)$/i;

/** ENOTCACHED: what npm says when it was told not to use the network and has no copy of its own. */
const NO_NETWORK =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;
/** Lines of npm's output that an error message is not made of. */
const NOISE = /^npm (http|verbose|timing|warn)\b.*\n|^npm error +at .*\n|^npm error A complete log .*\n/gm;

/** @param {{cwd?: string, node?: string, env?: Record<string, string>, onLine?: (line: string) => void}} [options] */
function start(args, options = {}) {
  const { cwd = root, node = path.dirname(process.execPath), env = {}, onLine } = options;
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_OUTER_NPM.test(name)));
  const pathName = Object.keys(own).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const script = process.env['npm_execpath'];
  const [command, ...first] = script?.endsWith('.js')
    ? [path.join(node, process.platform === 'win32' ? 'node.exe' : 'node'), script]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
  return run(command, [...first, ...args], {
    cwd,
    env: { ...own, [pathName]: `${node}${path.delimiter}${own[pathName] ?? ''}`, ...env },
    onLine,
  });
}

let reached;

/**
 * Asked once: without it npm tries each of some hundred packages three times before it gives up, for minutes.
 * A registry that answers anything at all is reached.
 */
async function registryIsReached() {
  reached ??= start(['ping', '--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=20000']).then(
    ({ code, output }) => code === 0 || !NO_NETWORK.test(output),
  );
  return reached;
}

/** A function for `onLine` of npm with --loglevel=http that counts what arrived. */
export function countArrivals(say) {
  let count = 0;
  return (line) => {
    if (/^npm http (fetch GET 200|cache)/.test(line)) say(++count);
  };
}

/**
 * Runs npm over the network, or from npm's own cache where the registry is not reached; fails with one sentence.
 * @param {readonly string[]} args
 * @param {object} options
 * @param {string} options.what the beginning of the sentence: "Installing the dependencies"
 * @param {string} [options.cwd]
 * @param {string} [options.node] folder of the node that npm shall run with; default: ours
 * @param {Record<string, string>} [options.env] added to the environment
 * @param {(line: string) => void} [options.onLine]
 */
export async function npm(args, options) {
  const result = await start((await registryIsReached()) ? args : [...args, '--offline'], options);
  if (result.code === 0) return result.stdout;
  const output = result.output.replace(NOISE, '');
  const why = NO_NETWORK.test(output)
    ? 'the npm registry was not reached; check the network, or npm’s registry and proxy settings'
    : /ENOSPC/.test(output)
      ? 'the disk is full; make room'
      : 'npm’s own message is above';
  throw new Failure(`${options.what} failed: ${why}, and run this again.`, output);
}
