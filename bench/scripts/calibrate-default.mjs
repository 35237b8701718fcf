// node bench/scripts/calibrate-default.mjs
//
// Makes the calibration file of the default model again. It downloads the corpus below, puts a part of each package into one
// folder, and runs `calibrate` on it. How repository chunks are read is decided on the tuning set of
// bench/scripts/corpora.mjs. The same model and corpora give the same file. Evaluations (docs/benchmarks.md,
// docs/repository-evaluation.md) must use other packages than these.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { temporaryFolder, writeAtomic } from '../../scripts/lib/files.mjs';
import { fetchPackage } from '../../scripts/lib/packages.mjs';
import { cacheFolder, dist, root, shown } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { setUp } from '../../scripts/setup.mjs';

/** Pinned packages of several languages and styles: their sources under `folder`, with these endings. */
const CORPUS = [
  { registry: 'npm', name: 'zod', version: '3.25.76', folder: 'package/src/v4/core', endings: ['.ts'] },
  { registry: 'npm', name: 'fastify', version: '5.6.1', folder: 'package/lib', endings: ['.js'] },
  { registry: 'npm', name: 'node-addon-api', version: '8.5.0', folder: 'package', endings: ['.h'] },
  { registry: 'npm', name: 'tree-sitter', version: '0.25.0', folder: 'package/src', endings: ['.cc', '.h'] },
  { registry: 'pip', name: 'flask', version: '3.1.2', folder: 'flask', endings: ['.py'] },
  { registry: 'pip', name: 'werkzeug', version: '3.1.3', folder: 'werkzeug', endings: ['.py'] },
];
/** Maximum bytes of each package, so that none fills the documents by itself; a token has about 3.5 bytes. */
const BYTES_PER_PACKAGE = 24_000;
const LARGEST_FILE = 16_000;

/** Copies files in path order, up to the byte limit, under the package's name. */
function copySources({ name, folder, endings }, work, corpus) {
  const source = path.join(work, folder);
  let left = BYTES_PER_PACKAGE;
  const files = readdirSync(source, { recursive: true })
    .map(String)
    .filter((file) => endings.includes(path.extname(file)))
    .sort();
  for (const file of files) {
    const { size } = statSync(path.join(source, file));
    if (size > LARGEST_FILE || size > left) continue;
    left -= size;
    const target = path.join(corpus, name, file);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(source, file), target);
  }
  if (left === BYTES_PER_PACKAGE) throw new Failure(`${name} has no sources in ${folder}.`);
  return BYTES_PER_PACKAGE - left;
}

await main(async () => {
  await setUp();
  const work = temporaryFolder();
  const corpus = path.join(work, 'corpus');
  for (const item of CORPUS) {
    const folder = path.join(work, item.name);
    await fetchPackage(item, folder);
    process.stdout.write(`${item.name} ${item.version}: ${copySources(item, folder, corpus)} bytes\n`);
  }
  const label = CORPUS.map(({ name, version }) => `${name} ${version}`).join(', ');
  const made = path.join(work, 'calibration.json');
  const fetched = await run(process.execPath, [path.join(root, 'bench', 'scripts', 'corpora.mjs'), '--set', 'tuning']);
  if (fetched.code !== 0) throw new Failure('The tuning set could not be fetched.', fetched.output);
  const repositories = path.join(cacheFolder(), 'corpora', 'tuning');
  const args = ['--corpus', corpus, '--repositories', repositories, '--out', made, '--label', label, '--json'];
  const command = [path.join(dist, 'cli.js'), 'calibrate', ...args];
  const { code, stdout, output } = await run(process.execPath, command, {
    onLine: (line) => process.stdout.write(`${line}\n`),
  });
  if (code !== 0) throw new Failure('The calibration failed.', output);
  const target = path.join(
    root,
    'language-server',
    'models',
    'calibration',
    `${JSON.parse(stdout).model.fingerprint}.json`,
  );
  writeAtomic(target, readFileSync(made, 'utf8'));
  process.stdout.write(`wrote ${shown(target)}\n`);
});
