// node scripts/native-style.mjs [--write]
//
// clang-format over the C++ sources, and clang-tidy over those that the addons are made of. --write formats them instead.
// What clang-tidy found nothing in is not looked at again until the source, a header of ours, a flag or the rules change.
import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findCompiler } from './addon/compiler.mjs';
import { addonUnits, laboratoryUnits } from './addon/units.mjs';
import { Failure, main } from './lib/failure.mjs';
import { filesUnder, readJson, readText, textHash, writeAtomic } from './lib/files.mjs';
import { build, root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';
import { step } from './lib/terminal.mjs';
import { clangProgram, setUpClang } from './setup/clang.mjs';

const folders = ['native', 'bench/native', 'test/native'];

function sources() {
  return folders.flatMap((folder) => ['.cc', '.h'].flatMap((ending) => filesUnder(path.join(root, folder), ending)));
}

/** @returns {Promise<{code: number, output: string}>} */
export function format(write = false) {
  const how = write ? ['-i'] : ['--dry-run', '--Werror'];
  return run(clangProgram('clang-format'), [...how, ...sources()], { cwd: root });
}

/**
 * The contents of a source and of all headers of ours that it includes, directly or not.
 * @param {string} file
 * @param {Map<string, string>} found
 */
function withHeaders(file, found = new Map()) {
  const text = readText(file);
  if (text === undefined || found.has(file)) return found;
  found.set(file, text);
  for (const [, name] of text.matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
    for (const folder of [path.join(root, 'native'), root]) withHeaders(path.join(folder, name ?? ''), found);
  }
  return found;
}

/** Each source once: kernels for the widest vectors of this processor's kind. */
async function unitsToCheck() {
  const compiler = await findCompiler();
  const all = [...addonUnits(compiler), ...laboratoryUnits(compiler)];
  // GCC's own warnings are no business of clang-tidy.
  return [...new Map(all.map((unit) => [unit.source, unit])).values()].map((unit) => ({
    ...unit,
    flags: unit.flags.filter((flag) => !flag.startsWith('-Wno-')),
  }));
}

/**
 * @param {(detail: string, share?: number) => void} say
 * @returns {Promise<{code: number, output: string, checked: number}>}
 */
export async function tidy(say) {
  const headers = readText(path.join(build, 'third_party', 'version'));
  if (headers === undefined) throw new Failure('The ggml headers are not in build/third_party: run npm run setup.');
  const program = clangProgram('clang-tidy');
  const rules = path.join(root, '.clang-tidy');
  const record = path.join(build, 'clang-tidy.json');
  const known = readJson(record) ?? {};
  const clean = {};
  const stale = [];
  for (const unit of await unitsToCheck()) {
    const inputs = [...withHeaders(unit.source)].flat();
    const key = textHash([program, readText(rules), headers, ...unit.flags, ...inputs].join('\0'));
    if (known[unit.name] === key) clean[unit.name] = key;
    else stale.push({ ...unit, key });
  }
  const findings = [];
  const queue = [...stale];
  const worker = async () => {
    for (let unit = queue.shift(); unit; unit = queue.shift()) {
      say(unit.name, (stale.length - queue.length) / stale.length);
      const { code, output } = await run(
        program,
        ['--quiet', `--config-file=${rules}`, unit.source, '--', ...unit.flags],
        { cwd: root },
      );
      if (code !== 0) {
        findings.push(output.trimEnd());
        continue;
      }
      clean[unit.name] = unit.key;
      // One by one: an interrupted run goes on where it was.
      writeAtomic(record, JSON.stringify(clean, null, 1));
    }
  };
  mkdirSync(build, { recursive: true });
  await Promise.all(Array.from({ length: Math.min(os.availableParallelism(), stale.length) }, worker));
  return { code: findings.length > 0 ? 1 : 0, output: findings.join('\n'), checked: stale.length };
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const { values } = parseArgs({ options: { write: { type: 'boolean' } } });
    await step('clang', setUpClang);
    const results = [await format(values.write)];
    if (!values.write) results.push(await tidy((detail) => process.stdout.write(`${detail}\n`)));
    for (const { output } of results) if (output.trim()) process.stdout.write(`${output.trimEnd()}\n`);
    return results.some(({ code }) => code !== 0) ? 1 : 0;
  });
}
