// node scripts/fault-store.mjs
//
// The faults of the chunk store at full count: killed at 200 random instants, 100 flipped bits each in header, checksums,
// keys and rows, cut at every 1/50, a full disk, a read-only one, two processes. test/native/chunk-faults.test.ts has the
// same at a small count. Prints a line for each and fails if any went wrong; the two disks need root, and say so if not.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from './lib/failure.mjs';
import { temporaryFolder } from './lib/files.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';

await main(async () => {
  const report = path.join(temporaryFolder(), 'faults.jsonl');
  rmSync(report, { force: true });
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { code, output } = await run(process.execPath, [vitest, 'run', 'test/native/chunk-faults.test.ts'], {
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
