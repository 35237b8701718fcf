// A repository becomes context: it is encoded under the eyes of the user, read by a completion, true after an edit, shown
// file by file, and there at once in the next window. With the package; a screenshot of every step.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { out } from '../../scripts/lib/paths.mjs';
import { openWindow } from './harness/browser.mjs';
import { EditorHost } from './harness/editor-host.mjs';
import { modelFile } from './harness/model.mjs';
import { placeRepository } from './harness/repository.mjs';
import { modelLimitMs, Workbench, windowLimitMs } from './harness/workbench.mjs';

const shots = path.join(out, 'end-to-end');
/** Encoding on a slow and busy machine. */
const encodeLimitMs = 600_000;

/** Defined here alone; no model knows such names. */
const depot = `'use strict'

/** What a parcel costs on top, in cents. */
exports.parcelQuokkaSurcharge = function parcelQuokkaSurcharge(weight) {
  return weight > 20 ? 450 : 0
}

exports.parcelQuokkaDiscount = function parcelQuokkaDiscount(weight) {
  return weight < 2 ? 120 : 0
}
`;

const parcels = `'use strict'

var depot = require('./depot')

/** All that a parcel costs, in cents. */
exports.total = function total(weight) {
`;

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness/record.mjs').Record} record
 * @param {string} vsix
 */
export async function runRepository(browser, record, vsix) {
  mkdirSync(shots, { recursive: true });
  const logs = path.join(shots, 'repository');
  rmSync(logs, { recursive: true, force: true });
  const host = new EditorHost({ logs, vsix });
  const cache = path.join(host.folder, 'cache');
  const folder = path.join(host.folder, 'express');
  host.changeSettings({
    'fasa.modelPath': modelFile(),
    'fasa.cacheFolder': cache,
    'fasa.repository.enabled': true,
    'fasa.repository.tokens': 9000,
    'fasa.repository.pauseOnBattery': false,
    // what is left is encoded in a minute or two
    'fasa.repository.exclude': ['**/*.md', 'LICENSE', 'lib/{application,request,response}.js'],
  });
  try {
    await placeRepository(folder);
    writeFileSync(path.join(folder, 'lib', 'depot.js'), depot);
    writeFileSync(path.join(folder, 'lib', 'parcels.js'), parcels);
    writeFileSync(path.join(folder, '.env'), 'TOKEN=not-for-models\n');
    await host.start();
    let page = await openWindow(browser, host, { folder });
    const steps = (/** @type {[string, (workbench: Workbench) => Promise<unknown>][]} */ list) =>
      runSteps(record, new Workbench(page, shots), list);
    await steps(encodeSteps(folder, cache));
    await page.context().close();
    page = await openWindow(browser, host, { folder });
    await steps([['another window has the repository at once', (workbench) => readyAtOnce(workbench, cache)]]);
    await page.context().close();
  } finally {
    await host.stop();
  }
}

async function runSteps(record, workbench, steps) {
  for (const [name, work] of steps) {
    const passed = await record.test(name, () => work(workbench));
    if (!passed) await workbench.shot(`failed-${name.replace(/\W+/g, '-').slice(0, 60)}`);
  }
}

const chunkFiles = (cache) =>
  readdirSync(path.join(cache, 'chunks'), { recursive: true }).filter((name) => String(name).endsWith('.kv'));

async function eventually(holds, what, withinMs = windowLimitMs) {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what} within ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** @returns {[string, (workbench: Workbench) => Promise<unknown>][]} */
function encodeSteps(folder, cache) {
  const ready = /FASA (ready|[\d,.]+K? tokens?)/;
  return [
    [
      'a repository is encoded, and the meter counts its files',
      async (workbench) => {
        await workbench.openFile('utils.js');
        const said = await workbench.meterThat(/FASA \d+ of \d+ files/);
        await workbench.openTooltip();
        await workbench.shot('20-encoding');
        await workbench.leaveMeter();
        await workbench.meterThat(ready, encodeLimitMs);
        return said;
      },
    ],
    [
      'the tooltip says what is in the context and what is left out',
      async (workbench) => {
        const said = (await (await workbench.openTooltip()).innerText()).replace(/\s+/g, ' ');
        await workbench.shot('21-encoded-tooltip');
        await workbench.leaveMeter();
        assert.match(said, /Repository [\d,.]+K? tokens of \d+ files in the context/);
        assert.match(said, /left out:.*1 secret/);
        return said;
      },
    ],
    [
      'a completion goes on with a name that another file defines',
      async (workbench) => {
        await workbench.openFile('parcels.js');
        await workbench.goToEnd();
        await workbench.type('return 500 + depot.parcelQuokka');
        const ghost = await workbench.ghostText();
        await workbench.shot('22-name-of-another-file');
        await workbench.page.keyboard.press('Escape');
        // which one it is depends on when each key was typed; test/quality measures names of other files
        assert.match(ghost, /^[A-Z]\w*/);
        return `offered ${JSON.stringify(ghost)}`;
      },
    ],
    [
      'after an edit of one file, that file alone is encoded again',
      async (workbench) => {
        const before = new Set(chunkFiles(cache));
        await workbench.openFile('depot.js');
        await workbench.goToEnd();
        await workbench.type('\n// one more line\n');
        await workbench.save(path.join(folder, 'lib', 'depot.js'));
        const added = () => chunkFiles(cache).filter((name) => !before.has(name));
        await eventually(() => added().length > 0, 'a new chunk', modelLimitMs);
        await workbench.meterThat(ready);
        await workbench.shot('23-edited');
        assert.equal(added().length, 1, 'the file is one chunk');
        return `${before.size} chunks, then ${added().length} more`;
      },
    ],
    [
      'the tree shows each file, and a click takes one out and brings it back',
      async (workbench) => {
        const { page } = workbench;
        await workbench.runCommand('FASA Code: Show Context');
        const tree = page.locator('.pane', { hasText: 'Model Context' }).last();
        const row = (text) => tree.locator('.monaco-list-row', { hasText: text }).first();
        const saidOf = async (text) => (await row(text).getAttribute('aria-label')) ?? '';
        await row('lib').waitFor({ timeout: windowLimitMs });
        await row('.env').waitFor({ timeout: windowLimitMs });
        const secret = await saidOf('.env');
        assert.match(secret, /\.env, secret/);
        await row('lib').click();
        await row('depot.js').waitFor({ timeout: windowLimitMs });
        await workbench.shot('24-context');
        const file = await saidOf('depot.js');
        assert.match(file, /depot\.js, [\d,]+ tokens/);
        await row('depot.js').hover();
        await row('depot.js').locator('[aria-label*="Exclude"]').click();
        await row('excluded by you').waitFor({ timeout: windowLimitMs });
        await workbench.shot('25-excluded');
        await row('excluded by you').hover();
        await row('excluded by you').locator('[aria-label*="Rules"]').click();
        await eventually(async () => (await row('excluded by you').count()) === 0, 'the file is back');
        return `${secret}; ${file}`;
      },
    ],
    [
      'a file that looks like a secret is included after one question, and not before',
      async (workbench) => {
        const { page } = workbench;
        const tree = page.locator('.pane', { hasText: 'Model Context' }).last();
        const row = tree.locator('.monaco-list-row', { hasText: '.env' }).first();
        const dialog = page.locator('.monaco-dialog-box', { hasText: 'looks like a secret' });
        const ask = () =>
          eventually(async () => {
            await row.hover();
            // a click that meets a row while the tree draws it anew is lost
            await row.locator('[aria-label*="Include"]').click();
            return dialog.waitFor({ timeout: windowLimitMs / 10 }).then(
              () => true,
              () => false,
            );
          }, 'the question is asked');
        const saidOf = async () => (await row.getAttribute('aria-label')) ?? '';
        // the tree has rows for what is in view alone
        await tree.locator('.monaco-list-row', { hasText: 'lib' }).first().click();
        await row.waitFor({ timeout: windowLimitMs });
        await ask();
        await workbench.shot('28-secret');
        const said = (await dialog.innerText()).replace(/\s+/g, ' ');
        assert.match(said, /Files with a name like \.env usually hold passwords or keys\./);
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached', timeout: windowLimitMs });
        assert.match(await saidOf(), /\.env, secret/);
        await ask();
        await dialog.getByRole('button', { name: 'Include Anyway' }).click();
        await eventually(async () => /included by you/.test(await saidOf()), 'the file is in');
        await row.hover();
        await row.locator('[aria-label*="Rules"]').click();
        await eventually(async () => /\.env, secret/.test(await saidOf()), 'the file is out again');
        return said;
      },
    ],
    [
      'the encoded bytes are named before they are deleted',
      async (workbench) => {
        await workbench.runCommand('FASA Code: Clear Cache');
        const dialog = workbench.page.locator('.monaco-dialog-box', { hasText: 'Delete all encoded repositories' });
        await dialog.waitFor({ timeout: windowLimitMs });
        await workbench.shot('26-clear-cache');
        const said = await dialog.innerText();
        assert.match(said, /\d+(\.\d)? MB/);
        await workbench.page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached', timeout: windowLimitMs });
        return said.replace(/\s+/g, ' ');
      },
    ],
  ];
}

async function readyAtOnce(workbench, cache) {
  const before = chunkFiles(cache).length;
  const started = performance.now();
  await workbench.meterThat(/FASA (ready|[\d,.]+K? tokens?)/);
  let said = '';
  await eventually(async () => {
    said = (await (await workbench.openTooltip()).innerText()).replace(/\s+/g, ' ');
    await workbench.leaveMeter();
    return /Repository [\d,.]+K? tokens of \d+ files in the context/.test(said);
  }, 'the whole repository');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  await workbench.openTooltip();
  await workbench.shot('27-another-window');
  assert.equal(chunkFiles(cache).length, before, 'nothing was encoded');
  return `${seconds} s after the window opened: ${said.slice(0, 120)}`;
}
