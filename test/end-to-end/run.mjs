// node test/end-to-end/run.mjs [inside] [person] [models] [editing] [chat] [repository]
//
// The tests in a real VS Code, with the real model: Mocha inside the extension host, then a person's steps with the
// package, then those in the chat. Wants `npm run setup -- --tests` and `npm run package`. Screenshots and result.json are in out/end-to-end/.
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { out, shown } from '../../scripts/lib/paths.mjs';
import { packagePath } from '../../scripts/package.mjs';
import { runChat } from './chat.mjs';
import { runEditing } from './editing.mjs';
import { launchBrowser } from './harness/browser.mjs';
import { Record } from './harness/record.mjs';
import { runInside } from './inside.mjs';
import { runModels } from './models.mjs';
import { runAsPerson } from './person.mjs';
import { runRepository } from './repository.mjs';

const resultFile = path.join(out, 'end-to-end', 'result.json');

function vsix() {
  const file = packagePath();
  if (!existsSync(file)) throw new Failure(`${shown(file)} is missing: run npm run package.`);
  return file;
}

const parts = {
  inside: (browser, record) => runInside(browser, record),
  person: (browser, record) => runAsPerson(browser, record, vsix()),
  models: (browser, record) => runModels(browser, record, vsix()),
  editing: (browser, record) => runEditing(browser, record, vsix()),
  chat: (browser, record) => runChat(browser, record, vsix()),
  repository: (browser, record) => runRepository(browser, record, vsix()),
};

await main(async () => {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !(name in parts));
  if (unknown) throw new Failure(`There is no part ${unknown}; there are ${Object.keys(parts).join(', ')}.`);
  rmSync(resultFile, { force: true });
  const record = new Record();
  const browser = await launchBrowser();
  try {
    for (const [name, run] of Object.entries(parts)) {
      if (names.length > 0 && !names.includes(name)) continue;
      process.stdout.write(`\n${name}\n`);
      try {
        await run(browser, record);
      } catch (error) {
        // A part that breaks off is a failed test; the other part still runs.
        const detail = error instanceof Failure ? `${error.message}\n${error.detail}` : String(error?.stack ?? error);
        record.add(`${name}: runs to its end`, false, 0, detail.trim());
      }
    }
  } finally {
    await browser.close();
    record.write(resultFile);
  }
  process.stdout.write(`\n${record.tests.length - record.failed} passed, ${record.failed} failed\n`);
  return record.failed > 0 ? 1 : 0;
});
