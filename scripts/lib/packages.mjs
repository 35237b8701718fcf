import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { npm } from '../setup/npm.mjs';
import { Failure } from './failure.mjs';
import { run } from './process.mjs';

/**
 * Unpacks a pinned, published package into a folder, as a corpus of sources. Nothing of it is run.
 * @param {{registry: string, name: string, version: string}} item registry: `npm` or `pip`
 * @param {string} work
 */
export async function fetchPackage({ registry, name, version }, work) {
  mkdirSync(work, { recursive: true });
  if (registry === 'npm') {
    await npm(['pack', '--silent', '--pack-destination', work, `${name}@${version}`], {
      what: `Fetching ${name} ${version}`,
    });
  } else {
    const args = [
      '-I',
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
    ];
    const { code, output } = await run('python3', [...args, '--dest', work, `${name}==${version}`]);
    if (code !== 0) throw new Failure(`Fetching ${name} ${version} failed: is the package index reached?`, output);
  }
  const archive = readdirSync(work).find((file) => /\.(tgz|whl)$/.test(file));
  if (!archive) throw new Failure(`Fetching ${name} ${version} left no archive.`);
  const file = path.join(work, archive);
  const { code, output } = await (archive.endsWith('.whl')
    ? run('python3', ['-I', '-m', 'zipfile', '-e', file, work])
    : run('tar', ['-xzf', file, '-C', work]));
  if (code !== 0) throw new Failure(`Unpacking ${archive} failed.`, output);
}
