// node scripts/pictures.mjs copies the pictures of the walkthrough and the README from the last run of test/end-to-end.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from './lib/failure.mjs';
import { out, root, shown } from './lib/paths.mjs';

const run = path.join(out, 'end-to-end');
const media = path.join(root, 'media');

/** The destination of each picture, and where the run left it. */
const PICTURES = {
  'walkthrough/model': 'editing/walkthrough/menu',
  'walkthrough/type': 'editing/walkthrough/type',
  'walkthrough/meter': 'editing/walkthrough/meter',
  'walkthrough/settings': 'editing/walkthrough/settings',
  'screenshots/completion': 'editing/walkthrough/type',
  'screenshots/meter': 'editing/walkthrough/meter',
  'screenshots/chat': 'chat/13-answer',
  'screenshots/dashboard': 'chat/14-dashboard',
};

await main(() => {
  for (const [name, source] of Object.entries(PICTURES)) {
    const [from, to] = [path.join(run, `${source}.png`), path.join(media, `${name}.png`)];
    if (!existsSync(from)) throw new Failure(`${shown(from)} is missing: run node test/end-to-end/run.mjs.`);
    mkdirSync(path.dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
});
