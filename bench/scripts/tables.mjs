// node bench/scripts/tables.mjs
//
// Fills the tables of README.md, docs/benchmarks.md and docs/repository-evaluation.md from the records in docs/measured/
// (bench/scripts/records.mjs makes those). A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; what is
// between them is replaced.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { writeAtomic } from '../../scripts/lib/files.mjs';
import { root, shown } from '../../scripts/lib/paths.mjs';
import { brief } from './tables/brief.mjs';
import { citations, crossFile, fidelity, retrieval } from './tables/quality.mjs';
import { completion, decode, prefill, repository, synthetic } from './tables/speed.mjs';

const pages = {
  'README.md': brief,
  'docs/benchmarks.md': { decode, synthetic, prefill, completion, fidelity, retrieval },
  'docs/repository-evaluation.md': { repository, 'cross-file': crossFile, citations },
};

await main(() => {
  for (const [name, tables] of Object.entries(pages)) fillPage(path.join(root, name), tables);
});

function fillPage(page, tables) {
  const before = readFileSync(page, 'utf8');
  let text = before;
  for (const [name, make] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- table: ${name} -->\n)[^]*?(<!-- end of table -->)`);
    if (!place.test(text)) throw new Failure(`${shown(page)} has no place for the table ${name}.`);
    const table = make();
    if (table !== undefined) text = text.replace(place, (_, begin, end) => `${begin}\n${table}\n\n${end}`);
  }
  if (text !== before) writeAtomic(page, text);
  process.stdout.write(`${text === before ? 'unchanged' : 'wrote'} ${shown(page)}\n`);
}
