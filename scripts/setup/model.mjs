import { statSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { dist } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/** The default model in the user's cache folder, by our own command: one place knows where it is and what it must be. */
export async function setUpModel({ say }) {
  const own = process.env['FASA_MODEL'];
  if (own) {
    if (!statSync(own, { throwIfNoEntry: false })?.isFile()) {
      throw new Failure(
        `FASA_MODEL names ${own}, which is not a file: correct it, or unset it to use the default model.`,
      );
    }
    return `ok (FASA_MODEL: ${own})`;
  }
  const result = await run(process.execPath, [path.join(dist, 'cli.js'), 'models', 'add', 'default'], {
    onLine: (line) => say(line),
  });
  const lines = result.output.trim().split('\n');
  if (result.code !== 0) {
    throw new Failure(lines.at(-1) || 'The default model could not be added.', lines.slice(0, -1).join('\n'));
  }
  return `ok (${lines.at(-1)})`;
}
