// A repository that this project did not write: the sources of a small web framework, as its package ships them.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../../scripts/lib/failure.mjs';
import { temporaryFolder } from '../../../scripts/lib/files.mjs';
import { cacheFolder } from '../../../scripts/lib/paths.mjs';
import { run } from '../../../scripts/lib/process.mjs';

const packageName = 'express';
const packageVersion = '5.1.0';
const integrity = 'sha512-DT9ck5YIRU+8GYzzU5kT3eHGA5iL+1Zd0EutOmTE9Dtk+Tvuzd23VBU+ec7HPNSTxXYO55gPV/hq4pSBJDjFpA==';

/** Fetches the package once into the cache folder and copies its sources to `folder`. */
export async function placeRepository(folder) {
  const kept = path.join(cacheFolder(), 'test-repositories', `${packageName}-${packageVersion}`);
  if (!existsSync(kept)) await fetchPackage(kept);
  rmSync(folder, { recursive: true, force: true });
  cpSync(kept, folder, { recursive: true });
}

async function fetchPackage(kept) {
  mkdirSync(path.dirname(kept), { recursive: true });
  const folder = temporaryFolder(path.dirname(kept));
  const wanted = `${packageName}@${packageVersion}`;
  const packed = await run('npm', ['pack', wanted, '--pack-destination', folder], { cwd: folder });
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (packed.code !== 0 || !archive) {
    throw new Failure(
      `The package ${wanted} could not be fetched: check the network and run this again.`,
      packed.output,
    );
  }
  const file = path.join(folder, archive);
  const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (found !== integrity) throw new Failure(`The package ${wanted} is not the expected one: ${found}.`);
  const unpacked = await run('tar', ['-xzf', file, '-C', folder]);
  if (unpacked.code !== 0) throw new Failure(`The package ${wanted} could not be unpacked.`, unpacked.output);
  renameSync(path.join(folder, 'package'), kept);
}
