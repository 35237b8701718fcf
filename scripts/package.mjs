// npm run package builds the extension as a VSIX for this platform, out/fasa-code-TARGET-VERSION.vsix.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { buildAddon } from './build-addon.mjs';
import { bundle } from './bundle.mjs';
import { Failure, main } from './lib/failure.mjs';
import { fileHash, filesUnder, readJson, textHash, writeAtomic } from './lib/files.mjs';
import { build, dist, out, root, shown } from './lib/paths.mjs';
import { platform } from './lib/platform.mjs';
import { megabytes, step } from './lib/terminal.mjs';

/** Files at the root that the package contains besides dist/ and media/ (see .vscodeignore). */
const ROOT_FILES = [
  'package.json',
  'package.nls.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'NOTICE',
  '.vscodeignore',
];

/** Where the package of this version and platform is built. */
export function packagePath() {
  const { name, version } = readJson(path.join(root, 'package.json'));
  return path.join(out, `${name}-${platform().vscode}-${version}.vsix`);
}

function checkParts() {
  const wanted = [
    ...[
      'extension.js',
      'server.js',
      'template-renderer.js',
      'cli.js',
      'licenses.txt',
      'media/chat.js',
      'media/dashboard.js',
      'native/addon.node',
    ].map((name) => path.join(dist, name)),
    ...ROOT_FILES.map((name) => path.join(root, name)),
  ];
  const missing = wanted.filter((file) => !existsSync(file)).map(shown);
  if (missing.length > 0) throw new Failure(`The package would lack ${missing.join(', ')}: run npm run setup.`);
}

/** A digest of everything that goes into the package. */
function contentHash() {
  const files = [
    ...ROOT_FILES.map((name) => path.join(root, name)),
    ...filesUnder(dist, ''),
    ...filesUnder(path.join(root, 'media'), ''),
  ];
  return textHash(files.map((file) => `${shown(file)} ${fileHash(file)}`).join('\n'));
}

/** Builds the package from the current dist/, unless nothing changed since the last time. */
export async function makePackage({ say }) {
  checkParts();
  const file = packagePath();
  const record = path.join(build, 'package.json');
  const content = contentHash();
  const line = () => `${shown(file)}, ${megabytes(statSync(file).size)}`;
  const known = readJson(record);
  if (known?.content === content && known.output === fileHash(file)) return `ok (already there): ${line()}`;
  say('compressing');
  mkdirSync(out, { recursive: true });
  const { createVSIX } = await import('@vscode/vsce');
  await quietly(() =>
    createVSIX({
      cwd: root,
      target: platform().vscode,
      packagePath: file,
      // Everything is bundled: the package has no node_modules.
      dependencies: false,
      allowMissingRepository: true,
      rewriteRelativeLinks: false,
    }),
  );
  writeAtomic(record, JSON.stringify({ content, output: fileHash(file) }));
  return line();
}

/** vsce prints a tree of what it packs, with advice; this is shown only if it fails. */
async function quietly(work) {
  const { log, warn, error } = console;
  const lines = [];
  const keep = (...parts) => lines.push(parts.join(' '));
  Object.assign(console, { log: keep, warn: keep, error: keep });
  try {
    await work();
  } catch (failure) {
    throw new Failure('The package was not made.', [...lines, String(failure)].join('\n'));
  } finally {
    Object.assign(console, { log, warn, error });
  }
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    await step('addon', ({ say }) => buildAddon({ say }));
    await step('bundles', bundle);
    await step('package', makePackage);
  });
}
