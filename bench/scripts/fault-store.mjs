// node bench/scripts/fault-store.mjs
//
// Tests the faults of the chunk store with full counts: writers killed at 200 random instants, 100 flipped bits each in header,
// checksums, keys and rows, files truncated at every 1/50, a full disk, a read-only one, two processes at once.
// test/native/chunks/chunk-faults.test.ts does the same with small counts. Prints a line for each fault and fails if any test failed.
// The two disks need root, and say so otherwise.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { temporaryFolder } from '../../scripts/lib/files.mjs';
import { root } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';

await main(async () => {
  const report = path.join(temporaryFolder(), 'faults.jsonl');
  rmSync(report, { force: true });
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { code, output } = await run(process.execPath, [vitest, 'run', 'test/native/chunks/chunk-faults.test.ts'], {
    cwd: root,
    env: { ...process.env, FASA_FAULTS: 'full', FASA_FAULTS_OUT: report },
  });
  const lines = readFileSync(report, 'utf8').trim().split('\n');
  for (const line of lines) {
    const { what, ...figures } = JSON.parse(line);
    const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
    process.stdout.write(`${what}: ${text.join(', ')}\n`);
  }
  if (code !== 0) throw new Failure('A fault was not survived: see above.', output);
});
