import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { readText, replaceFolder, temporaryFolder, writeAtomic } from '../lib/files.mjs';
import { build, cacheFolder } from '../lib/paths.mjs';
import { LLAMA_PACKAGE_VERSION } from '../lib/platform.mjs';
import { run } from '../lib/process.mjs';
import { npm } from './npm.mjs';

/** As the registry publishes it for this version (`npm view node-llama-cpp@VERSION dist.integrity`). */
const PACKAGE_INTEGRITY =
  'sha512-E3N0Ev2Va0wzydvXYFwM9Hvyo07PoWjt8T/9GMc43Cvt8YkV/NU/tYUgEMC1grTPv2o9PRjQi0G3Wb5P/awiMg==';
/** Size of the package, for the progress display only. */
const PACKAGE_BYTES = 35_413_592;
const BUNDLE = 'package/llama/gitRelease.bundle';

const target = path.join(build, 'third_party');

function isComplete(folder) {
  return (
    readText(path.join(folder, 'version'))?.trim() === LLAMA_PACKAGE_VERSION &&
    ['ggml.h', 'gguf.h', 'ggml-backend.h', 'llama.h'].every((name) => existsSync(path.join(folder, 'include', name)))
  );
}

/** Nothing has to be fetched for the headers. */
export function headersAreThere() {
  return isComplete(target) || isComplete(cachedFolder());
}

function cachedFolder() {
  return path.join(cacheFolder(), 'headers', LLAMA_PACKAGE_VERSION);
}

/** A folder with include/, LICENSE.llama.cpp and version (written last: it marks the folder complete). */
function assemble(source, folder) {
  mkdirSync(path.join(folder, 'include'), { recursive: true });
  for (const include of [path.join(source, 'include'), path.join(source, 'ggml', 'include')]) {
    for (const name of readdirSync(include).filter((file) => file.endsWith('.h'))) {
      cpSync(path.join(include, name), path.join(folder, 'include', name));
    }
  }
  cpSync(path.join(source, 'LICENSE'), path.join(folder, 'LICENSE.llama.cpp'));
  writeAtomic(path.join(folder, 'version'), `${LLAMA_PACKAGE_VERSION}\n`);
}

async function tool(command, args, what) {
  const result = await run(command, args);
  if (result.code !== 0) throw new Failure(`${what} failed (${command}, exit code ${result.code}).`, result.output);
}

async function fetchHeaders(folder, say) {
  const work = temporaryFolder(path.dirname(folder));
  say('fetching node-llama-cpp');
  // npm shows nothing of its own until the package is whole.
  await npm(['pack', '--silent', '--pack-destination', work, `node-llama-cpp@${LLAMA_PACKAGE_VERSION}`], {
    what: `Fetching node-llama-cpp ${LLAMA_PACKAGE_VERSION} (${Math.round(PACKAGE_BYTES / 1e6)} MB)`,
  });
  const archive = readdirSync(work).find((name) => name.endsWith('.tgz'));
  if (!archive) throw new Failure('npm pack left no package: run this again.');
  const file = path.join(work, archive);
  say('checking');
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (integrity !== PACKAGE_INTEGRITY) {
    throw new Failure(
      `node-llama-cpp ${LLAMA_PACKAGE_VERSION} arrived with another content than it was published with (${statSync(file).size} bytes): check the npm registry and the proxy in use, and run this again.`,
    );
  }
  say('unpacking');
  await tool('tar', ['-xzf', file, '-C', work, BUNDLE], 'Unpacking node-llama-cpp');
  const source = path.join(work, 'source');
  await tool(
    'git',
    ['-c', 'advice.detachedHead=false', 'clone', '--quiet', path.join(work, ...BUNDLE.split('/')), source],
    'Reading the source bundle of llama.cpp',
  );
  const complete = path.join(work, 'complete');
  assemble(source, complete);
  replaceFolder(complete, folder);
}

/** Headers of ggml and llama in build/third_party, from the user's cache folder when another clone fetched them. */
export async function setUpHeaders({ say }) {
  if (isComplete(target)) return 'ok (already there)';
  const cached = cachedFolder();
  const had = isComplete(cached);
  if (!had) {
    mkdirSync(path.dirname(cached), { recursive: true });
    await fetchHeaders(cached, say);
  }
  const copy = path.join(temporaryFolder(), 'third_party');
  cpSync(cached, copy, { recursive: true });
  replaceFolder(copy, target);
  return had ? 'ok (from the cache folder)' : `llama.cpp headers of node-llama-cpp ${LLAMA_PACKAGE_VERSION} fetched`;
}
