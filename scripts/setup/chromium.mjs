import { existsSync } from 'node:fs';
import { Failure } from '../lib/failure.mjs';
import { readText } from '../lib/files.mjs';
import { run, which } from '../lib/process.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The browser of the end-to-end tests: $CHROMIUM, else the first on PATH; undefined when there is none. */
export function findChromium() {
  const own = process.env['CHROMIUM'];
  if (own) return which(own);
  const onPath = NAMES.map((name) => which(name)).find(Boolean);
  return onPath ?? (existsSync(MAC) ? MAC : undefined);
}

/** Debian and Debian alone: Ubuntu's package of this name only points to a snap. */
function isDebian() {
  return /^ID=debian$/m.test(readText('/etc/os-release') ?? '');
}

export async function setUpChromium({ say }) {
  const found = findChromium();
  if (found) return `ok (${found})`;
  if (process.env['CHROMIUM']) {
    throw new Failure(`CHROMIUM names ${process.env['CHROMIUM']}, which is no program: correct it or unset it.`);
  }
  if (!isDebian() || process.getuid?.() !== 0 || !which('apt-get')) {
    throw new Failure(
      'The end-to-end tests need Chromium: install it (on Debian: apt-get install chromium fonts-dejavu-core), or set CHROMIUM to the program.',
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (args) => {
    const result = await run('apt-get', args, { env, onLine: (line) => say(line.slice(0, 60)) });
    if (result.code !== 0) {
      throw new Failure('Chromium could not be installed with apt-get: its message is above.', result.output);
    }
  };
  await apt(['update', '-qq']);
  // A font besides: without one the browser draws boxes.
  await apt(['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']);
  const installed = findChromium();
  if (!installed) throw new Failure('apt-get installed chromium, but there is no such program on PATH.');
  return `${installed} installed`;
}
