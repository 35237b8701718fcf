// The tests of suite/ inside the extension host of code-server, with the extension from its folder.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { out, root } from '../../scripts/lib/paths.mjs';
import { openWindow } from './harness/browser.mjs';
import { EditorHost } from './harness/editor-host.mjs';
import { modelFile } from './harness/model.mjs';
import { placeRepository } from './harness/repository.mjs';
import { bundleSuite } from './harness/suite-bundle.mjs';

const limitMs = 420_000;

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness/record.mjs').Record} record
 */
export async function runInside(browser, record) {
  const started = performance.now();
  const results = path.join(out, 'end-to-end', 'inside');
  const resultFile = path.join(results, 'tests.json');
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const suite = await bundleSuite();
  const host = new EditorHost({
    logs: results,
    // Without it a built VS Code does not look at the payload that names the extension and its tests.
    smokeTestDriver: true,
    settings: { 'fasa.modelPath': modelFile() },
    env: { FASA_TEST_RESULT: resultFile },
  });
  let finished;
  const exit = new Promise((resolve) => {
    finished = resolve;
  });
  let timer;
  const log = [];
  try {
    const folder = path.join(host.folder, 'express');
    await placeRepository(folder);
    await host.start();
    const page = await openWindow(browser, host, {
      folder,
      payload: [
        ['extensionDevelopmentPath', host.remote(root)],
        ['extensionTestsPath', host.remote(suite)],
      ],
      hooks: {
        codeAutomationLog: (_type, args) => log.push(args.join(' ')),
        codeAutomationExit: (code) => finished(`exit code ${code}`),
      },
    });
    const timeout = new Promise((resolve) => {
      timer = setTimeout(() => resolve(`no end within ${limitMs / 1000} s`), limitMs);
    });
    const end = await Promise.race([exit, timeout]);
    await page.screenshot({ path: path.join(results, 'end.png') });
    await page.context().close();
    const tests = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : [];
    for (const test of tests) record.add(test.name, test.ok, test.ms, test.error);
    if (end !== 'exit code 0' && !tests.some((test) => !test.ok)) {
      record.add('tests inside the extension host', false, performance.now() - started, `They ended with ${end}.`);
    }
  } finally {
    clearTimeout(timer);
    await host.stop();
    writeFileSync(path.join(results, 'console.log'), `${log.join('\n')}\n`);
  }
}
