import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { fileHash, readJson, readText, textHash, writeAtomic } from '../lib/files.mjs';
import { root, shown } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/**
 * @typedef {object} Unit one call of the compiler
 * @property {string} source
 * @property {string} object
 * @property {readonly string[]} flags
 * @property {string} name what progress shows
 */

/** Files that a compiler's dependency file (-MMD) names: `object: source header \` newline `header ...`. */
function dependencies(text) {
  const list = text.slice(text.indexOf(': ') + 2).replaceAll('\\\n', ' ');
  // A space in a path is written as backslash space.
  return list
    .split(/(?<!\\)\s+/)
    .filter(Boolean)
    .map((file) => path.resolve(root, file.replaceAll('\\ ', ' ')));
}

/** Nothing that goes into the object has changed since it was made. */
function isCurrent(unit, command) {
  const record = readJson(`${unit.object}.json`);
  if (!record || record.command !== command || record.object !== fileHash(unit.object)) return false;
  return Object.entries(record.inputs).every(([file, hash]) => fileHash(path.resolve(root, file)) === hash);
}

/**
 * Compiles what is not current, at most `jobs` at a time.
 * @param {readonly Unit[]} units
 * @param {{compiler: {command: string, version: string}, jobs: number, stamp: string, say: (detail: string, share?: number) => void}} options
 *   stamp: whatever else the objects depend on (versions of headers outside the project)
 * @returns {Promise<number>} how many were compiled
 */
export async function compileAll(units, { compiler, jobs, stamp, say }) {
  const line = (unit) => textHash([compiler.command, compiler.version, stamp, ...unit.flags, unit.source].join('\0'));
  const stale = units.filter((unit) => !isCurrent(unit, line(unit)));
  let done = 0;
  const failures = [];
  const queue = [...stale];
  const worker = async () => {
    for (let unit = queue.shift(); unit && failures.length === 0; unit = queue.shift()) {
      say(`${unit.name} (${done + 1} of ${stale.length})`, done / stale.length);
      mkdirSync(path.dirname(unit.object), { recursive: true });
      const part = `${unit.object}.${process.pid}.part`;
      const depfile = `${part}.d`;
      const result = await run(
        compiler.command,
        [...unit.flags, '-MMD', '-MF', depfile, '-c', unit.source, '-o', part],
        { cwd: root },
      );
      if (result.code !== 0) {
        rmSync(part, { force: true });
        rmSync(depfile, { force: true });
        failures.push({ unit, output: result.output });
        break;
      }
      if (result.output.trim()) process.stderr.write(`\n${result.output.trimEnd()}\n`);
      const inputs = Object.fromEntries(
        dependencies(readText(depfile) ?? '').map((file) => [path.relative(root, file), fileHash(file)]),
      );
      renameSync(part, unit.object);
      rmSync(depfile, { force: true });
      writeAtomic(
        `${unit.object}.json`,
        JSON.stringify({ command: line(unit), object: fileHash(unit.object), inputs }),
      );
      done++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, stale.length) }, worker));
  const [failure] = failures;
  if (failure)
    throw new Failure(`${shown(failure.unit.source)} did not compile (${compiler.version}).`, failure.output);
  return done;
}
