// node bench/scripts/records.mjs [NAME ...] [--quick]
//
// Measures again what docs/benchmarks.md and docs/repository-evaluation.md show: it runs the commands that the pages name, keeps
// what they print in docs/measured/, and makes the tables (tables.mjs) and plots (plots.mjs) from it. NAME is decode, synthetic,
// prefill, completion, fidelity, retrieval, repository, cross-file or citations. All of them take some hours on a machine that
// nothing else uses; --quick measures fewer depths, documents and cases.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { temporaryFolder, writeAtomic } from '../../scripts/lib/files.mjs';
import { fetchPackage } from '../../scripts/lib/packages.mjs';
import { cacheFolder, dist, root, shown } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';

const measured = path.join(root, 'docs', 'measured');

/** Code that calibration never saw; bench/scripts/calibrate-default.mjs lists what it saw. */
const CORPUS = [
  { registry: 'pip', name: 'click', version: '8.1.7' },
  { registry: 'pip', name: 'httpx', version: '0.27.2' },
  { registry: 'npm', name: 'preact', version: '10.24.3' },
];
const POLICIES = 'fasa,fasa-f16,paper,paper-kv,oracle,quest,streaming,batched';
const RETRIEVAL_POLICIES = 'fasa,paper,oracle,quest,streaming';
/** The repository of bench/scripts/corpora.mjs to use where one is enough. */
const REPOSITORY = 'fastmcp-2.2.0';
const SHAPES = ['d128h2g6', 'd128h8g4'];

async function cli(args) {
  process.stdout.write(`node dist/cli.js ${args.join(' ')}\n`);
  const command = [path.join(dist, 'cli.js'), ...args, '--json'];
  const { code, stdout, output } = await run(process.execPath, command);
  if (code !== 0) throw new Failure(`The command failed: ${args.join(' ')}`, output);
  return JSON.parse(stdout);
}

function keep(name, record) {
  const file = path.join(measured, `${name}.json`);
  writeAtomic(file, `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), ...record }, null, 2)}\n`);
  process.stdout.write(`wrote ${shown(file)}\n`);
}

/** @returns {Promise<string>} a repository of the reported set, or the folder of them all */
async function reported(name = '') {
  const { code, output } = await run(process.execPath, [
    path.join(import.meta.dirname, 'corpora.mjs'),
    '--set',
    'reported',
  ]);
  if (code !== 0) throw new Failure('The repositories could not be fetched.', output);
  return path.join(cacheFolder(), 'corpora', 'reported', name);
}

let fetched;

/** @returns {Promise<{title: string, folder: string}[]>} folders with the packages' sources */
async function corpora() {
  fetched ??= (async () => {
    const work = temporaryFolder();
    const list = [];
    for (const item of CORPUS) {
      const folder = path.join(work, item.name);
      mkdirSync(folder, { recursive: true });
      await fetchPackage(item, folder);
      for (const file of readdirSync(folder)) {
        if (/\.(tgz|whl)$|\.dist-info$/.test(file)) rmSync(path.join(folder, file), { recursive: true });
      }
      list.push({ title: `${item.name} ${item.version}`, folder: firstFolder(folder, item) });
    }
    return list;
  })();
  return fetched;
}

/** npm packs everything below `package`; a wheel has its package's folder at the top. */
function firstFolder(folder, { registry, name }) {
  return path.join(folder, registry === 'npm' ? 'package' : name);
}

/** The figures over all documents of all corpora; each document counts as many steps as it has. */
function mergeFidelity(runs) {
  const names = runs[0].record.policies.map(({ policy }) => policy);
  return names.map((policy) => {
    const parts = runs.map(({ title, record }) => ({
      title,
      one: record.policies.find((candidate) => candidate.policy === policy),
    }));
    const documents = parts.flatMap(({ title, one }) =>
      one.documents.map((document) => ({ ...document, name: `${title}: ${document.name}` })),
    );
    const tokens = documents.reduce((sum, document) => sum + document.tokens, 0);
    const mean = (key) => documents.reduce((sum, document) => sum + document[key] * document.tokens, 0) / tokens;
    const [denseNll, nll] = [mean('denseNll'), mean('nll')];
    const { length, budget, predictorBytes } = parts[0].one;
    return {
      policy,
      length,
      budget,
      predictorBytes,
      tokens,
      meanKl: mean('meanKl'),
      agreement: mean('agreement'),
      denseNll,
      nll,
      deltaNll: nll - denseNll,
      relativeNll: nll / denseNll - 1,
      documents,
    };
  });
}

/** Adds up the counts of cases. */
function mergeRetrieval(records) {
  const counted = ['cases', 'denseCorrect', 'sparseCorrect', 'sparseCorrectGivenDense'];
  return records[0].policies.map(({ policy, length, budget }) => {
    const same = records.map((record) => record.policies.find((one) => one.policy === policy));
    const sums = counted.map((key) => [key, same.reduce((sum, one) => sum + one[key], 0)]);
    return { policy, length, budget, ...Object.fromEntries(sums) };
  });
}

const measurements = {
  async decode(quick) {
    const depths = quick ? '2048,8192,32768' : '0,512,1024,2048,4096,8192,16384,32768';
    keep('decode', await cli(['bench', 'decode', '--depths', depths, '--threads', '1']));
  },
  async synthetic(quick) {
    const shapes = [];
    for (const shape of SHAPES) {
      const depths = quick ? ['--depths', '8192,32768'] : [];
      shapes.push(await cli(['bench', 'decode', '--synthetic', shape, ...depths]));
    }
    keep('synthetic', { shapes });
  },
  async prefill(quick) {
    const lengths = quick ? '512' : '512,2048';
    keep('prefill', await cli(['bench', 'prefill', '--lengths', lengths, '--threads', '1']));
  },
  async fidelity(quick) {
    for (const length of quick ? ['2048'] : ['2048', '4096', '8192']) {
      const args = ['--length', length, '--documents', quick ? '1' : '2', '--policy', POLICIES, '--threads', '1'];
      const runs = [];
      for (const { title, folder } of await corpora()) {
        runs.push({ title, record: await cli(['eval', 'fidelity', '--corpus', folder, ...args]) });
      }
      keep(`fidelity-${length}`, { policies: mergeFidelity(runs) });
    }
  },
  async retrieval(quick) {
    const length = quick ? '2048' : '8192';
    const args = ['--length', length, '--documents', quick ? '1' : '2', '--policy', RETRIEVAL_POLICIES];
    const records = [];
    for (const { folder } of await corpora()) {
      records.push(await cli(['eval', 'retrieval', '--corpus', folder, ...args, '--threads', '1']));
    }
    keep('retrieval', { policies: mergeRetrieval(records) });
  },
  async completion() {
    keep('completion', await cli(['bench', 'completion', '--repo', await reported(REPOSITORY), '--threads', '1']));
  },
  async repository(quick) {
    const depths = quick ? '2048,32768' : '2048,8192,32768,65536,131072';
    const args = ['--repo', await reported(REPOSITORY), '--depths', depths, '--threads', '1'];
    keep('repository', await cli(['bench', 'repository', ...args]));
  },
  async 'cross-file'(quick) {
    const few = quick ? ['--cases', '4', '--dense-cases', '1'] : [];
    const args = ['--corpus', await reported(), '--threads', '1', ...few];
    const { measured: _, ...record } = await cli(['eval', 'cross-file', ...args]);
    keep('cross-file', record);
  },
  async citations(quick) {
    const args = ['--corpus', await reported(REPOSITORY), '--threads', '1', ...(quick ? ['--cases', '8'] : [])];
    keep('citations', await cli(['eval', 'citations', ...args]));
  },
};

await main(async () => {
  const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true });
  const names = Object.keys(measurements);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Failure(`There is no measurement ${unknown[0]}: there are ${names.join(', ')}.`);
  for (const name of positionals.length > 0 ? positionals : names) await measurements[name](values.quick ?? false);
  for (const script of ['tables.mjs', 'plots.mjs']) {
    const { code, output } = await run(process.execPath, [path.join(import.meta.dirname, script)]);
    if (code !== 0) throw new Failure(`bench/scripts/${script} failed.`, output);
    process.stdout.write(output);
  }
});
