import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { readText, replaceFolder, temporaryFolder, writeAtomic } from '../lib/files.mjs';
import { tools } from '../lib/paths.mjs';
import { LLAMA_PACKAGE_VERSION } from '../lib/platform.mjs';
import { run, which } from '../lib/process.mjs';
import { npm } from './npm.mjs';

/** As the registry publishes it for this version (`npm view NAME@VERSION dist.integrity`). */
const PACKAGE_INTEGRITY =
  'sha512-flEeSzONQ6OIm5bYKLQf4eEnBzcC5WugFbyPUwkCqyyOFZ8pH0H9ulQ7ZNDLSIczeKneMRJornlyY1Hq7d3GDA==';
const NAME = `@node-llama-cpp/linux-x64-vulkan@${LLAMA_PACKAGE_VERSION}`;
const DRIVERS = '/usr/share/vulkan/icd.d';
/** test/native/gpu/vulkan.ts looks here, too. */
const folder = path.join(tools, 'vulkan');
const library = path.join(folder, 'libggml-vulkan.so');

/** Mesa's driver that computes on the CPU: the checks need no GPU. */
function softwareDriver() {
  if (!existsSync(DRIVERS)) return undefined;
  const name = readdirSync(DRIVERS).find((file) => /^lvp_icd.*\.json$/.test(file));
  return name && path.join(DRIVERS, name);
}

async function installDriver(say) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '--no-install-recommends', 'mesa-vulkan-drivers'],
  ]) {
    const { code } = await run('apt-get', args, { env, onLine: (line) => say(line.slice(0, 60)) });
    if (code !== 0) return;
  }
}

async function fetchLibrary() {
  mkdirSync(tools, { recursive: true });
  const work = temporaryFolder(tools);
  await npm(['pack', '--silent', '--pack-destination', work, NAME], { what: `Fetching ${NAME} (27 MB)` });
  const archive = readdirSync(work).find((file) => file.endsWith('.tgz'));
  if (!archive) throw new Failure('npm pack left no package: run this again.');
  const file = path.join(work, archive);
  if (`sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}` !== PACKAGE_INTEGRITY) {
    throw new Failure(
      `${NAME} arrived with another content than it was published with: check the npm registry in use.`,
    );
  }
  const inside = 'package/bins/linux-x64-vulkan';
  const { code, output } = await run('tar', [
    ...['-xzf', file, '-C', work, `${inside}/libggml-vulkan.so`, 'package/LICENSE'],
  ]);
  if (code !== 0) throw new Failure(`Unpacking ${NAME} failed.`, output);
  writeAtomic(path.join(work, inside, 'version'), `${LLAMA_PACKAGE_VERSION}\n`);
  replaceFolder(path.join(work, inside), folder);
}

/**
 * For the tests of the GPU path alone, which are skipped without it: ggml's Vulkan library in .tools/vulkan, and Mesa's
 * software driver where apt-get may install it. Nothing of it is shipped, and nothing fails where it cannot be had.
 */
export async function setUpVulkan({ say }) {
  if (process.env['FASA_TEST_VULKAN'] !== '1') return 'skipped: asked for by FASA_TEST_VULKAN=1 alone';
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'skipped: for Linux on x64 alone';
  if (!softwareDriver() && process.getuid?.() === 0 && which('apt-get')) await installDriver(say);
  if (!softwareDriver())
    return 'skipped: there is no software Vulkan driver (Debian: apt-get install mesa-vulkan-drivers)';
  if (existsSync(library) && readText(path.join(folder, 'version'))?.trim() === LLAMA_PACKAGE_VERSION) {
    return `ok (${softwareDriver()})`;
  }
  say(`fetching ${NAME}`);
  try {
    await fetchLibrary();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return `skipped: ${error.message}`;
  }
  return `ggml's Vulkan library ${LLAMA_PACKAGE_VERSION} fetched, driver ${softwareDriver()}`;
}
