// npm run check: types, lint and format of everything, C++ too, all of it even when the first part fails.
import path from 'node:path';
import { main } from './lib/failure.mjs';
import { nodeModules, root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';
import { step } from './lib/terminal.mjs';
import { format, tidy } from './native-style.mjs';
import { setUpClang } from './setup/clang.mjs';

const typescript = [path.join(nodeModules, 'typescript', 'bin', 'tsc')];
const biome = [path.join(nodeModules, '@biomejs', 'biome', 'bin', 'biome')];
/** One project per layer: only extension/ and test/end-to-end/ list the types of `vscode`. */
const projects = [
  'extension',
  'language-server',
  'media',
  'bench',
  'bench/scripts',
  'test',
  'test/unit/media',
  'test/end-to-end',
  'scripts',
];

const checks = [
  ...projects.map((project) => ({
    name: `types of ${project}`,
    command: [...typescript, '--project', project, '--pretty', String(Boolean(process.stdout.isTTY))],
  })),
  { name: 'lint and format', command: [...biome, 'check', '--error-on-warnings', '--max-diagnostics=50', '.'] },
];

/** @returns {Promise<{passed: number, failed: number}>} */
export async function check() {
  const counts = { passed: 0, failed: 0 };
  const report = (name, { code, output }) => {
    if (code === 0) counts.passed++;
    else {
      counts.failed++;
      process.stdout.write(`${output.trimEnd()}\n`);
    }
    process.stdout.write(`${name}: ${code === 0 ? 'ok' : 'failed'}\n`);
  };
  for (const { name, command } of checks) report(name, await run(process.execPath, command, { cwd: root }));
  await step('clang', setUpClang);
  report('format of native sources', await format());
  let found = { code: 0, output: '' };
  await step('clang-tidy', async ({ say }) => {
    const result = await tidy(say);
    found = result;
    return result.checked === 0 ? 'ok (nothing changed)' : `${result.checked} sources checked`;
  });
  report('clang-tidy', found);
  return counts;
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => ((await check()).failed > 0 ? 1 : 0));
}
