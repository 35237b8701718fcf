// Repositories of four languages that this project did not write, each from its own registry, kept in the cache folder.
// Where a language's tool is not there, a small file of our own stands in, and the test says so.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Failure } from '../../../scripts/lib/failure.mjs';
import { temporaryFolder } from '../../../scripts/lib/files.mjs';
import { cacheFolder } from '../../../scripts/lib/paths.mjs';
import { run } from '../../../scripts/lib/process.mjs';

/**
 * @typedef {object} Language
 * @property {string} name folder and file of the cache: package and version
 * @property {(folder: string) => Promise<string>} fetch into a temporary folder; answers the folder with the sources
 * @property {string} file that is edited, below it
 * @property {string} own text of our own for a machine without the tool
 */

/** @type {Record<string, Language>} */
const languages = {
  typescript: {
    name: 'rxjs-7.8.2',
    file: 'internal/util/identity.ts',
    own: 'export function identity<T>(x: T): T {\n  return x;\n}\n',
    async fetch(folder) {
      await mustRun('npm', ['pack', 'rxjs@7.8.2', '--pack-destination', folder], folder);
      const archive = path.join(folder, 'rxjs-7.8.2.tgz');
      mustHash(
        archive,
        'sha512',
        'dhKf903U/PQZY6boNNtAGdWbG85WAbjT/1xYoZIC7FAY0yWapOBQVsVrDl58W86//e1VpMNBtRV4MaXfdMySFA==',
      );
      await mustRun('tar', ['-xzf', archive, '-C', folder], folder);
      return path.join(folder, 'package', 'src');
    },
  },
  python: {
    name: 'requests-2.32.3',
    file: 'requests/structures.py',
    own: 'class Lookup(dict):\n    def get(self, key, default=None):\n        return self.__dict__.get(key, default)\n',
    async fetch(folder) {
      const python = process.env['PYTHON'] || 'python3';
      const wheel = 'requests-2.32.3-py3-none-any.whl';
      await mustRun(
        python,
        ['-I', '-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '-d', folder, 'requests==2.32.3'],
        folder,
      );
      mustHash(path.join(folder, wheel), 'sha256', 'cHYc/gPHc86yKqL2cbR1eXYUUXXN/KA4wCZU0GHW3MY=');
      await mustRun(python, ['-I', '-m', 'zipfile', '-e', wheel, 'sources'], folder);
      return path.join(folder, 'sources');
    },
  },
  go: {
    name: 'mux-1.8.1',
    file: 'middleware.go',
    own: 'package mux\n\nfunc first(list []string) string {\n\treturn list[0]\n}\n',
    async fetch(folder) {
      // verified by Go's own checksums
      const { output } = await mustRun('go', ['mod', 'download', '-json', 'github.com/gorilla/mux@v1.8.1'], folder);
      return /"Dir": "(.+)"/.exec(output)?.[1] ?? '';
    },
  },
  rust: {
    name: 'itoa-1.0.11',
    file: 'src/lib.rs',
    own: 'pub fn first(list: &[u8]) -> u8 {\n    list[0]\n}\n',
    async fetch(folder) {
      const manifest =
        '[package]\nname = "fetch"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nitoa = "=1.0.11"\n';
      writeFileSync(path.join(folder, 'Cargo.toml'), manifest);
      mkdirSync(path.join(folder, 'src'));
      writeFileSync(path.join(folder, 'src', 'lib.rs'), '');
      await mustRun('cargo', ['vendor', 'vendor'], folder);
      return path.join(folder, 'vendor', 'itoa');
    },
  },
};

/**
 * Puts the sources of each language into a folder of its own below `folder`.
 * @returns {Promise<Record<string, {folder: string, file: string, ofTheWorld: boolean}>>}
 */
export async function placePackages(folder) {
  /** @type {Record<string, {folder: string, file: string, ofTheWorld: boolean}>} */
  const placed = {};
  for (const [language, { name, file, own, fetch }] of Object.entries(languages)) {
    const target = path.join(folder, name);
    const kept = path.join(cacheFolder(), 'test-repositories', name);
    let ofTheWorld = true;
    try {
      if (!existsSync(kept)) await fetchInto(kept, fetch);
      cpSync(kept, target, { recursive: true });
      makeWritable(target);
    } catch (error) {
      ofTheWorld = false;
      process.stdout.write(`        ${name}: a file of our own instead (${String(error).split('\n')[0]})\n`);
      mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
      writeFileSync(path.join(target, file), own);
    }
    placed[language] = { folder: target, file: path.join(target, file), ofTheWorld };
  }
  return placed;
}

/** @param {string} kept @param {(folder: string) => Promise<string>} fetch */
async function fetchInto(kept, fetch) {
  mkdirSync(path.dirname(kept), { recursive: true });
  const folder = temporaryFolder(path.dirname(kept));
  const sources = await fetch(folder);
  // complete, or not there
  const copy = path.join(folder, 'copy');
  cpSync(sources, copy, { recursive: true });
  makeWritable(copy);
  renameSync(copy, kept);
  rmSync(folder, { recursive: true, force: true });
}

/** Module caches are read-only. */
function makeWritable(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const own = path.join(folder, entry.name);
    if (entry.isDirectory()) makeWritable(own);
    else if (entry.isFile()) chmodSync(own, 0o644);
  }
}

async function mustRun(command, args, cwd) {
  const result = await run(command, args, { cwd });
  if (result.code !== 0) throw new Failure(`${command} ${args.join(' ')} failed.`, result.output);
  return result;
}

function mustHash(file, algorithm, wanted) {
  const found = createHash(algorithm).update(readFileSync(file)).digest('base64');
  if (found !== wanted) throw new Failure(`${path.basename(file)} is not the expected one: ${found}.`);
}
