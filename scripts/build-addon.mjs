// node scripts/build-addon.mjs [--tests | --only-tests]
//
// Compiles native/ by direct calls of the C++ compiler and links dist/native/addon.node against the prebuilt
// ggml and llama libraries, which are copied beside it. Only what changed is compiled again. The same objects and those of
// bench/native/ become dist/native/bench-addon.node, which does not ship. --tests also makes dist/native/kernels-test.node,
// the kernels alone for the kernel tests; --only-tests makes nothing else.
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compileAll } from './addon/compile.mjs';
import { findCompiler } from './addon/compiler.mjs';
import { addonUnits, kernelsTestUnits, laboratoryUnits } from './addon/units.mjs';
import { Failure, main } from './lib/failure.mjs';
import { fileHash, readJson, readText, textHash, writeAtomic } from './lib/files.mjs';
import { build, dist, nodeModules, root } from './lib/paths.mjs';
import { LLAMA_PACKAGE_VERSION, libraries } from './lib/platform.mjs';
import { run } from './lib/process.mjs';
import { step } from './lib/terminal.mjs';

const native = path.join(dist, 'native');
/** Each compiler takes up to 1 GB; more than two at once gains little on the machines people have. */
const MOST_JOBS = 2;

/** Makes dist/native/NAME from objects; answers whether it had to. */
async function link(name, compiler, objects, linked) {
  const target = path.join(native, name);
  const flags =
    process.platform === 'darwin'
      ? ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path']
      : ['-shared', '-pthread', '-Wl,-rpath,$ORIGIN', '-Wl,--enable-new-dtags'];
  const record = path.join(build, 'obj', `${name}.json`);
  const inputs = textHash(
    JSON.stringify([
      compiler,
      flags,
      [...objects, ...linked].map((file) => [path.relative(root, file), fileHash(file)]),
    ]),
  );
  const known = readJson(record);
  if (known?.inputs === inputs && known.output === fileHash(target)) return false;
  // Linked aside and renamed: a running server keeps the file that it has mapped.
  const part = `${target}.${process.pid}.part`;
  const result = await run(compiler.command, [...flags, '-o', part, ...objects, ...linked], { cwd: root });
  if (result.code !== 0) {
    rmSync(part, { force: true });
    throw new Failure(`${name} did not link.`, result.output);
  }
  renameSync(part, target);
  writeAtomic(record, JSON.stringify({ inputs, output: fileHash(target) }));
  return true;
}

/** Copies the libraries beside the addon; those of another version go. */
function copyLibraries(shipped) {
  const names = new Set(shipped.map((file) => path.basename(file)));
  for (const name of readdirSync(native)) {
    if (/\.(so|dylib|dll|metal)$/.test(name) && !names.has(name)) rmSync(path.join(native, name));
  }
  let copied = 0;
  for (const file of shipped) {
    const target = path.join(native, path.basename(file));
    const there = statSync(target, { throwIfNoEntry: false });
    const source = statSync(file);
    if (there?.size === source.size && there.mtimeMs >= source.mtimeMs) continue;
    copyFileSync(file, `${target}.${process.pid}.part`);
    renameSync(`${target}.${process.pid}.part`, target);
    copied++;
  }
  return copied;
}

/** Versions of the headers that are not ours: objects are made again when one changes. */
function headerStamp() {
  const headers = readText(path.join(build, 'third_party', 'version'));
  if (headers?.trim() !== LLAMA_PACKAGE_VERSION) {
    throw new Failure('The ggml headers are not in build/third_party: run npm run setup.');
  }
  const versions = ['node-addon-api', 'node-api-headers'].map((name) => {
    const version = readJson(path.join(nodeModules, name, 'package.json'))?.version;
    if (!version) throw new Failure(`The package ${name} is not installed: run npm ci (or npm run setup).`);
    return version;
  });
  return [headers.trim(), ...versions].join(' ');
}

/** What clangd and other tools read to know how each source is compiled. */
function writeCompileCommands(compiler, units) {
  const commands = units.map(({ source, flags, object }) => ({
    directory: root,
    file: source,
    arguments: [compiler.command, ...flags, '-c', source, '-o', object],
  }));
  const file = path.join(build, 'compile_commands.json');
  const text = `${JSON.stringify(commands, null, 1)}\n`;
  if (readText(file) !== text) writeAtomic(file, text);
}

/**
 * @param {{tests?: boolean, onlyTests?: boolean, say: (detail: string, share?: number) => void}} options
 * @returns {Promise<string>} what was done, for the step's line
 */
export async function buildAddon({ tests = false, onlyTests = false, say }) {
  const stamp = headerStamp();
  const { shipped, linked } = libraries();
  const compiler = await findCompiler();
  const jobs = Math.min(MOST_JOBS, os.availableParallelism());
  mkdirSync(native, { recursive: true });
  let compiled = 0;
  const made = [];
  const make = async (name, units, against) => {
    compiled += await compileAll(units, { compiler, jobs, stamp, say });
    say(`linking ${name}`);
    const objects = units.map((unit) => unit.object);
    if (await link(name, compiler, objects, against)) made.push(name);
  };
  if (tests || onlyTests) {
    const units = kernelsTestUnits(compiler);
    if (units.length > 0) await make('kernels-test.node', units, []);
  }
  if (!onlyTests) {
    copyLibraries(shipped);
    const units = addonUnits(compiler);
    const all = [...units, ...laboratoryUnits(compiler)];
    if (units.length === 0) throw new Failure('native/ has no sources: this checkout is not complete.');
    writeCompileCommands(compiler, all);
    await make('addon.node', units, linked);
    await make('bench-addon.node', all, linked);
  }
  if (made.length === 0) return 'ok (already there)';
  return `${made.join(' and ')} made, ${compiled} files compiled with ${compiler.version}`;
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const { values } = parseArgs({ options: { tests: { type: 'boolean' }, 'only-tests': { type: 'boolean' } } });
    const options = { tests: values.tests ?? false, onlyTests: values['only-tests'] ?? false };
    await step('addon', ({ say }) => buildAddon({ ...options, say }));
  });
}
