// npm test runs everything that needs no GPU, from a clean clone. Its last line is `N passed, N failed` over all rings.
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { check } from './check.mjs';
import { Failure } from './lib/failure.mjs';
import { readJson } from './lib/files.mjs';
import { nodeModules, out, root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';
import { step } from './lib/terminal.mjs';
import { setUp } from './setup.mjs';

/** Runs the tests of one folder with Vitest, as a ring of its own, so that a crash in one does not hide the others. */
async function vitest(name) {
  const report = path.join(out, `vitest-${name}.json`);
  rmSync(report, { force: true });
  const { code } = await run(
    process.execPath,
    [
      path.join(nodeModules, 'vitest', 'vitest.mjs'),
      'run',
      `test/${name}/`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { cwd: root, inherit: true },
  );
  const result = readJson(report);
  if (!result) throw new Failure(`The ring ended with code ${code} and left no report.`);
  const counts = { passed: result.numPassedTests, failed: result.numFailedTests, skipped: result.numPendingTests };
  // The ring can fail without a failed test: a file does not load, an error is outside of all tests, a process dies.
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  counts.failed += broken;
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** Runs a person's steps in a real VS Code, and Mocha inside its extension host. */
async function endToEnd() {
  const { makePackage } = await import('./package.mjs');
  await step('package', makePackage);
  const report = path.join(out, 'end-to-end', 'result.json');
  rmSync(report, { force: true });
  const { code } = await run(process.execPath, [path.join(root, 'test', 'end-to-end', 'run.mjs')], {
    cwd: root,
    inherit: true,
  });
  const result = readJson(report);
  if (!result) throw new Failure(`The ring ended with code ${code} and left no report.`);
  const failed = code !== 0 && result.failed === 0 ? 1 : result.failed;
  return { passed: result.passed, failed };
}

/** @type {[string, () => Promise<{passed: number, failed: number, skipped?: number}>][]} */
const rings = [
  ['check', check],
  ['unit', () => vitest('unit')],
  ['server', () => vitest('server')],
  ['native', () => vitest('native')],
  ['quality', () => vitest('quality')],
  ['end-to-end', endToEnd],
];

const summary = [];

async function ring(name, work) {
  const started = Date.now();
  process.stdout.write(`\n== ${name}\n`);
  let counts;
  try {
    counts = await work();
  } catch (error) {
    if (error instanceof Failure && error.detail) process.stdout.write(`${error.detail.trimEnd()}\n`);
    process.stdout.write(
      `${error instanceof Failure ? error.message : error instanceof Error ? error.stack : error}\n`,
    );
    counts = { passed: 0, failed: 1 };
  }
  summary.push({ name, ...counts, seconds: (Date.now() - started) / 1000 });
  return counts.failed === 0;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !rings.some(([known]) => known === name));
if (unknown.length > 0) {
  process.stderr.write(`no such ring: ${unknown.join(', ')}; there are ${rings.map(([name]) => name).join(', ')}\n`);
  process.exit(2);
}

const ready = await ring('set-up', async () => {
  await setUp({ tests: true });
  return { passed: 0, failed: 0 };
});
if (ready || existsSync(nodeModules)) {
  for (const [name, work] of rings) if (wanted.length === 0 || wanted.includes(name)) await ring(name, work);
}

process.stdout.write('\n');
for (const { name, passed, failed, skipped, seconds } of summary) {
  const left = skipped ? `, ${skipped} skipped` : '';
  process.stdout.write(`${name.padEnd(10)} ${passed} passed, ${failed} failed${left} (${seconds.toFixed(0)} s)\n`);
}
const total = (key) => summary.reduce((sum, counts) => sum + counts[key], 0);
process.stdout.write(`${total('passed')} passed, ${total('failed')} failed\n`);
process.exitCode = total('failed') > 0 ? 1 : 0;
