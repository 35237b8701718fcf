// Writes dist/licenses.txt: the licences of all third-party software in the package, derived from what is really in it.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './lib/failure.mjs';
import { readJson, readText, writeAtomic } from './lib/files.mjs';
import { build, dist, nodeModules, root } from './lib/paths.mjs';
import { LLAMA_PACKAGE_VERSION } from './lib/platform.mjs';

/** Packages whose headers are compiled into the addon. */
const IN_THE_ADDON = ['node-addon-api', 'node-api-headers'];
/** Packages whose files are copied into the package unchanged. */
const AS_FILES = ['web-tree-sitter', '@vscode/tree-sitter-wasm', '@vscode/codicons'];
const RULE = '-'.repeat(80);

/** The folder of the package that a bundled file belongs to: the last node_modules of its path. */
function packageFolder(input) {
  const match = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  return match ? path.join(root, match[1]) : undefined;
}

function licenceText(folder, name) {
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)([-.][\w.-]+)?$/i.test(entry));
  const text = file && readText(path.join(folder, file))?.trim();
  if (!text) throw new Failure(`${name} has no licence file, so it cannot be shipped: look at ${folder}.`);
  return text;
}

/** @param {readonly import('esbuild').Metafile[]} metafiles of the bundles */
export function writeLicenses(metafiles) {
  const inputs = metafiles.flatMap((metafile) =>
    Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs)),
  );
  const folders = new Set(inputs.flatMap((input) => packageFolder(input) ?? []));
  for (const name of [...IN_THE_ADDON, ...AS_FILES]) folders.add(path.join(nodeModules, name));
  const parts = [...folders].map((folder) => {
    const { name, version, license } = readJson(path.join(folder, 'package.json')) ?? {};
    return { title: `${name} ${version} (${license})`, text: licenceText(folder, name) };
  });
  const llama = path.join(build, 'third_party', 'LICENSE.llama.cpp');
  if (existsSync(llama)) {
    parts.push({
      title: `ggml and llama.cpp, as built for @node-llama-cpp ${LLAMA_PACKAGE_VERSION} (MIT)`,
      text: readText(llama)?.trim() ?? '',
    });
  }
  parts.sort((a, b) => (a.title < b.title ? -1 : 1));
  const body = parts.map(({ title, text }) => `${RULE}\n${title}\n${RULE}\n${text}\n`).join('\n');
  writeAtomic(path.join(dist, 'licenses.txt'), `Software of others in this package, with its licences.\n\n${body}`);
}
