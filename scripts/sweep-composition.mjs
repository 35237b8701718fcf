// node scripts/sweep-composition.mjs [--model FILE] [--calibration FILE] [--cases N] [--out FILE]
//
// How chunks are best read beside a tail, for one model: one parameter after the other around the default, on the tuning
// set of scripts/corpora.mjs alone. What comes out best goes into the model's calibration file (`composition`).
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, main } from './lib/failure.mjs';
import { writeAtomic } from './lib/files.mjs';
import { build, cacheFolder, dist, shown } from './lib/paths.mjs';
import { run } from './lib/process.mjs';

/** Options of `eval cross-file`; the first value of a list is the one that the others are compared with. */
const SWEEPS = [
  ['--conditions', 'none,bm25,fasa', '--prior', '2,0,1,4'],
  ['--conditions', 'fasa', '--late', '16,256'],
  ['--conditions', 'fasa', '--bias', '-0.25,-0.5'],
  ['--conditions', 'fasa', '--offsets', 'sequential'],
  ['--conditions', 'fasa', '--budgets', '128,512'],
];
const DEFAULTS = { late: 64, prior: 2, bias: 0, offsets: 'shared', budget: 256 };

await main(async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      calibration: { type: 'string' },
      cases: { type: 'string', default: '12' },
      out: { type: 'string' },
    },
  });
  const corpus = path.join(cacheFolder(), 'corpora', 'tuning');
  const fixed = ['eval', 'cross-file', '--corpus', corpus, '--cases', values.cases, '--json'];
  if (values.model) fixed.push('--model', values.model);
  if (values.calibration) fixed.push('--calibration', values.calibration);
  const rows = [];
  let model = '';
  for (const sweep of SWEEPS) {
    const { code, stdout, output } = await run(process.execPath, [path.join(dist, 'cli.js'), ...fixed, ...sweep], {
      onLine: (line) => /%$/.test(line) && process.stdout.write(`${line}\n`),
    });
    if (code !== 0) throw new Failure('eval cross-file failed.', output);
    const record = JSON.parse(stdout);
    model = record.model;
    const [first] = record.variants;
    for (const { condition, cases, exact, nll, followingNll, worse } of record.conditions) {
      const changed = Object.entries(first).filter(([name, value]) => DEFAULTS[name] !== value);
      const name =
        condition === 'fasa' && changed.length > 0
          ? `fasa ${changed.map(([key, value]) => `${key} ${value}`).join(' ')}`
          : condition;
      rows.push({ name, cases, exact, nll, followingNll, worse });
      process.stdout.write(
        `${name.padEnd(56)} ${String(cases).padStart(4)} cases, exact ${(100 * exact).toFixed(1)} %, NLL ${nll.toFixed(3)}, of the line ${followingNll.toFixed(3)}\n`,
      );
    }
  }
  const file = values.out ?? path.join(build, 'composition.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeAtomic(file, `${JSON.stringify({ model, defaults: DEFAULTS, rows }, null, 2)}\n`);
  process.stdout.write(`wrote ${shown(file)}\n`);
});
