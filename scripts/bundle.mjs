// node scripts/bundle.mjs [--watch]
//
// esbuild bundles the extension, the language server and the command line into dist/, and the laboratory (bench/) beside
// them. The native addon stays outside: it is loaded by path at run time, as the laboratory is. --watch makes the addon
// again, too, when a source of it changes.
import { copyFileSync, watch as fileWatch, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildAddon } from './build-addon.mjs';
import { Failure, main } from './lib/failure.mjs';
import { dist, nodeModules, root } from './lib/paths.mjs';
import { step } from './lib/terminal.mjs';
import { writeLicenses } from './licenses.mjs';

/** @type {import('esbuild').BuildOptions} */
export const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // Packages with both forms are bundled from ESM, so that unused code is dropped.
  mainFields: ['module', 'main'],
  sourcemap: 'linked',
  // Sources are in the repository; a map that contains them again would double the package.
  sourcesContent: false,
  metafile: true,
  logLevel: 'silent',
};

/** The bundles of the package. None of them imports bench/. */
export const shipped = [
  { entryPoints: ['extension/main.ts'], outfile: 'dist/extension.js', external: ['vscode'], minify: true },
  { entryPoints: ['language-server/main.ts'], outfile: 'dist/server.js' },
  { entryPoints: ['language-server/chat/template/renderer.ts'], outfile: 'dist/template-renderer.js' },
  { entryPoints: ['language-server/cli.ts'], outfile: 'dist/cli.js', banner: { js: '#!/usr/bin/env node' } },
  page({ chat: 'media/chat/main.ts', dashboard: 'media/dashboard/main.ts' }),
  { ...page({ chat: 'media/chat/chat.css', dashboard: 'media/dashboard/dashboard.css' }), sourcemap: false },
];

/** dist/cli.js loads the first if it exists, which starts the second; .vscodeignore leaves both out of the package. */
const laboratory = [
  { entryPoints: ['bench/main.ts'], outfile: 'dist/bench.js' },
  { entryPoints: ['bench/speed/counting-server.ts'], outfile: 'dist/bench-server.js' },
];

const bundles = [...shipped, ...laboratory];

/**
 * A page of a webview, for the editor's own browser.
 * @param {Record<string, string>} entryPoints
 * @returns {import('esbuild').BuildOptions}
 */
function page(entryPoints) {
  return {
    entryPoints,
    outdir: 'dist/media',
    platform: 'browser',
    format: 'esm',
    target: 'chrome120',
    mainFields: ['browser', 'module', 'main'],
    minify: true,
  };
}

/** Copies the font of the icons and its style sheet. */
function copyIcons() {
  const to = path.join(dist, 'media');
  mkdirSync(to, { recursive: true });
  for (const name of ['codicon.css', 'codicon.ttf']) {
    copyFileSync(path.join(nodeModules, '@vscode', 'codicons', 'dist', name), path.join(to, name));
  }
}

/** Copies the shipped calibration files, which the server looks up by the model's fingerprint. */
function copyCalibration() {
  const from = path.join(root, 'language-server', 'models', 'calibration');
  const to = path.join(dist, 'calibration');
  mkdirSync(to, { recursive: true });
  let names = [];
  try {
    names = readdirSync(from).filter((name) => name.endsWith('.json'));
  } catch {
    // Without the folder there are no calibration files, and FASA needs `calibrate`.
  }
  for (const name of readdirSync(to)) if (!names.includes(name)) rmSync(path.join(to, name));
  for (const name of names) copyFileSync(path.join(from, name), path.join(to, name));
}

/** The grammars that language-server/base/languages.ts names. Each is read when a language is first completed in. */
export const grammars = 'bash c-sharp cpp css go java javascript php powershell python ruby rust tsx typescript'.split(
  ' ',
);

function copySyntax() {
  const to = path.join(dist, 'syntax');
  const library = path.join(nodeModules, 'web-tree-sitter');
  const files = [
    ...['web-tree-sitter.cjs', 'web-tree-sitter.wasm'].map((name) => path.join(library, name)),
    ...grammars.map((name) =>
      path.join(nodeModules, '@vscode', 'tree-sitter-wasm', 'wasm', `tree-sitter-${name}.wasm`),
    ),
  ];
  mkdirSync(to, { recursive: true });
  const names = files.map((file) => path.basename(file));
  for (const name of readdirSync(to)) if (!names.includes(name)) rmSync(path.join(to, name));
  for (const file of files) copyFileSync(file, path.join(to, path.basename(file)));
}

async function esbuild() {
  try {
    return await import('esbuild');
  } catch {
    throw new Failure('The package esbuild is not installed: run npm run setup.');
  }
}

/** Builds dist/*.js and dist/calibration once. */
export async function bundle() {
  const { build, formatMessages } = await esbuild();
  const results = await Promise.allSettled(bundles.map((options) => build({ ...common, ...options })));
  const messages = results.flatMap((result) =>
    result.status === 'rejected' ? (result.reason.errors ?? [{ text: String(result.reason) }]) : result.value.warnings,
  );
  const text = (await formatMessages(messages, { kind: 'error', color: Boolean(process.stdout.isTTY) })).join('');
  if (results.some((result) => result.status === 'rejected')) throw new Failure('The sources did not bundle.', text);
  if (text) process.stderr.write(text);
  copyCalibration();
  copySyntax();
  copyIcons();
  const ofPackage = results.slice(0, shipped.length);
  writeLicenses(ofPackage.flatMap((result) => (result.status === 'fulfilled' ? (result.value.metafile ?? []) : [])));
  return `ok (${bundles.flatMap((options) => options.outfile ?? []).join(', ')}, dist/media)`;
}

/** After the last change of a native source, in milliseconds: an editor writes several files one after the other. */
const settleMs = 300;

/** Makes the addon now and whenever a source of it changes. A line tells each time; what does not compile is said. */
function watchNative() {
  let timer;
  let running = false;
  let again = false;
  const make = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      try {
        process.stdout.write(`addon: ${await buildAddon({ say: () => undefined })}\n`);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        process.stdout.write(`${error.detail.trimEnd()}\naddon: ${error.message}\n`);
      }
    } while (again);
    running = false;
  };
  for (const folder of ['native', 'bench/native']) {
    fileWatch(path.join(root, folder), { recursive: true }, (_, name) => {
      if (name !== null && !/\.(cc|h)$/.test(name)) return;
      clearTimeout(timer);
      timer = setTimeout(make, settleMs);
    });
  }
  return make();
}

/** Builds the bundles and the addon again whenever a source changes, until the process ends. */
async function watch() {
  const { context } = await esbuild();
  const contexts = await Promise.all(bundles.map((options) => context({ ...common, ...options, logLevel: 'info' })));
  copyCalibration();
  copySyntax();
  copyIcons();
  await Promise.all(contexts.map((one) => one.watch()));
  await watchNative();
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const { values } = parseArgs({ options: { watch: { type: 'boolean' } } });
    if (values.watch) await watch();
    else await step('bundles', bundle);
  });
}
