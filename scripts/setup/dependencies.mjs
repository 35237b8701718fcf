import { existsSync } from 'node:fs';
import path from 'node:path';
import { readJson } from '../lib/files.mjs';
import { nodeModules, root } from '../lib/paths.mjs';
import { librariesFolder } from '../lib/platform.mjs';
import { countArrivals, npm } from './npm.mjs';

/** What the lock file asks for is what npm's own record of node_modules says is there. */
function isInstalled() {
  const lock = readJson(path.join(root, 'package-lock.json'))?.packages;
  const there = readJson(path.join(nodeModules, '.package-lock.json'))?.packages;
  if (!lock || !there || !existsSync(librariesFolder())) return false;
  return Object.entries(lock).every(([name, wanted]) => {
    if (name === '') return true;
    // Packages for other platforms are in the lock file and not installed.
    if (!there[name]) return wanted.optional === true;
    const { version, integrity } = there[name];
    // npm does not always write down the digest of what it installed.
    return version === wanted.version && (!integrity || integrity === wanted.integrity);
  });
}

/** npm dependencies, with the prebuilt ggml and llama libraries of this platform among them. */
export async function setUpDependencies({ say }) {
  if (isInstalled()) return 'ok (already there)';
  const total = Object.keys(readJson(path.join(root, 'package-lock.json'))?.packages ?? {}).length;
  say('npm ci');
  // No package of ours needs its install script: platform binaries come as packages of their own.
  await npm(['ci', '--ignore-scripts', '--loglevel=http'], {
    what: 'Installing the npm dependencies',
    onLine: countArrivals((count) => say('npm ci', Math.min(0.99, count / total))),
  });
  return `${total} packages in the lock file, installed`;
}
