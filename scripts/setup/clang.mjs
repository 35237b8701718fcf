import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { replaceFolder, temporaryFolder } from '../lib/files.mjs';
import { fetchPackage } from '../lib/packages.mjs';
import { tools } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/** The programs that format and check native/, as PyPI publishes them: no installation, the same version everywhere. */
const PROGRAMS = { 'clang-format': '23.1.5', 'clang-tidy': '23.1.4' };

/** @param {keyof typeof PROGRAMS} name */
function folderOf(name) {
  return path.join(tools, `${name}-${PROGRAMS[name]}`);
}

/**
 * Where a program is, once it was fetched.
 * @param {keyof typeof PROGRAMS} name
 */
export function clangProgram(name) {
  return path.join(folderOf(name), 'bin', name);
}

/** clang-format and clang-tidy in .tools/, fetched when they are not there. */
export async function setUpClang({ say }) {
  const fetched = [];
  for (const name of /** @type {(keyof typeof PROGRAMS)[]} */ (Object.keys(PROGRAMS))) {
    if (existsSync(clangProgram(name))) continue;
    const version = PROGRAMS[name];
    say(`fetching ${name}`);
    const work = temporaryFolder(tools);
    await fetchPackage({ registry: 'pip', name, version }, work);
    const data = path.join(work, name.replace('-', '_'), 'data');
    // A wheel is a zip file: what unpacks it leaves programs that may not run.
    chmodSync(path.join(data, 'bin', name), 0o755);
    const { code, output } = await run(path.join(data, 'bin', name), ['--version']);
    if (code !== 0) throw new Failure(`${name} ${version} does not run on this machine.`, output);
    replaceFolder(data, folderOf(name));
    fetched.push(`${name} ${version}`);
  }
  return fetched.length === 0 ? 'ok (already there)' : `${fetched.join(' and ')} fetched`;
}
