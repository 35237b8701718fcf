// node scripts/pictures.mjs: takes the pictures of the walkthrough over from the last run of test/end-to-end.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from './lib/failure.mjs';
import { out, root, shown } from './lib/paths.mjs';

const from = path.join(out, 'end-to-end', 'editing', 'walkthrough');
const to = path.join(root, 'media', 'walkthrough');

await main(() => {
  mkdirSync(to, { recursive: true });
  const pictures = { model: 'menu', type: 'type', meter: 'meter', settings: 'settings' };
  for (const [name, source] of Object.entries(pictures)) {
    const file = path.join(from, `${source}.png`);
    if (!existsSync(file)) throw new Failure(`${shown(file)} is missing: run node test/end-to-end/run.mjs editing.`);
    copyFileSync(file, path.join(to, `${name}.png`));
  }
});
