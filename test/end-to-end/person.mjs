// What a person does with the packaged extension: opens a file of a repository, types, takes or leaves what is
// offered, reads the meter, loses the server and gets it back, takes the model away. A screenshot of every step.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { out } from '../../scripts/lib/paths.mjs';
import { openWindow } from './harness/browser.mjs';
import { EditorHost } from './harness/editor-host.mjs';
import { modelFile } from './harness/model.mjs';
import { descendants } from './harness/process-tree.mjs';
import { placeRepository } from './harness/repository.mjs';
import { modelLimitMs, Workbench, windowLimitMs } from './harness/workbench.mjs';

const shots = path.join(out, 'end-to-end');

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness/record.mjs').Record} record
 * @param {string} vsix
 */
export async function runAsPerson(browser, record, vsix) {
  mkdirSync(shots, { recursive: true });
  const logs = path.join(shots, 'person');
  rmSync(logs, { recursive: true, force: true });
  const model = modelFile();
  const host = new EditorHost({ logs, vsix, settings: { 'fasa.modelPath': model } });
  try {
    const folder = path.join(host.folder, 'express');
    await placeRepository(folder);
    const started = await record.test('the packaged extension installs and VS Code starts', () => host.start());
    if (!started) return;
    const page = await openWindow(browser, host, { folder });
    const workbench = new Workbench(page, shots);
    const steps = [
      ...completionSteps(workbench, folder),
      ...meterSteps(workbench),
      ...lifeSteps(workbench, host, model),
    ];
    for (const [name, work] of steps) {
      const passed = await record.test(name, work);
      if (!passed) await workbench.shot(`failed-${name.replace(/\W+/g, '-').slice(0, 60)}`);
    }
    await page.context().close();
  } finally {
    await host.stop();
  }
}

async function expectSoon(holds, what) {
  const deadline = Date.now() + windowLimitMs;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what} within ${windowLimitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @returns {[string, () => Promise<unknown>][]} */
function completionSteps(workbench, folder) {
  const { page } = workbench;
  const file = path.join(folder, 'lib', 'utils.js');
  let text = '';
  return [
    [
      'a file of a repository opens and the model becomes ready',
      async () => {
        await workbench.openFile('utils.js');
        const said = await workbench.meterThat(/FASA (ready|[\d,.]+K? tokens?)/);
        await workbench.shot('01-ready');
        return said;
      },
    ],
    [
      'typing shows ghost text of the model, and Tab accepts it',
      async () => {
        await workbench.goToEnd();
        await workbench.type('\nfunction isEmpty(list) {\nreturn list.');
        const ghost = await workbench.ghostText();
        await workbench.shot('02-ghost-text');
        await page.keyboard.press('Tab');
        await workbench.ghostGone();
        text = await workbench.save(file);
        assert.match(ghost, /\S/);
        assert.ok(text.includes(`return list.${ghost}`), `the file ends in ${JSON.stringify(text.slice(-120))}`);
        await workbench.shot('03-accepted');
        return `accepted ${JSON.stringify(ghost)}`;
      },
    ],
    [
      'Ctrl+Right accepts one word of the next, and Escape dismisses the rest',
      async () => {
        await workbench.goToEnd();
        await workbench.type('\n\nexports.lastItem = function lastItem(list) {\nreturn list.');
        const ghost = await workbench.ghostText();
        await page.keyboard.press('Control+ArrowRight');
        await expectSoon(
          async () => ![ghost, ''].includes(await workbench.ghostNow()),
          'the ghost text becomes shorter',
        );
        const rest = await workbench.ghostNow();
        await workbench.shot('04-one-word');
        await page.keyboard.press('Escape');
        await workbench.ghostGone();
        text = await workbench.save(file);
        const word = ghost.slice(0, ghost.length - rest.length);
        assert.ok(ghost.endsWith(rest) && word !== '', `${JSON.stringify(ghost)} became ${JSON.stringify(rest)}`);
        const lines = text.split('\n');
        const line = lines[lines.findIndex((one) => one.includes('lastItem(list)')) + 1];
        assert.equal(line?.trim(), `return list.${word}`.trim(), 'the word is in the file, the rest is not');
        await workbench.shot('05-dismissed');
        return `accepted ${JSON.stringify(word)}, dismissed ${JSON.stringify(rest)}`;
      },
    ],
  ];
}

/** @returns {[string, () => Promise<unknown>][]} */
function meterSteps(workbench) {
  const { page } = workbench;
  return [
    [
      'the meter shows the tokens in the cache',
      async () => workbench.meterThat(/FASA [\d,.]+K? tokens(, \d+ % saved)?/),
    ],
    [
      'its tooltip has the figures and the actions',
      async () => {
        const tooltip = await workbench.openTooltip();
        const said = (await tooltip.innerText()).replace(/\s+/g, ' ');
        await workbench.shot('06-tooltip-dark');
        for (const part of [/Model/, /Cache\s*[\d,.]+K? of/, /Attention/, /Request/, /per second/, /Pause/, /Logs/]) {
          assert.match(said, part);
        }
        await workbench.leaveMeter();
        return said;
      },
    ],
    [
      'a click on it opens the menu, and the keyboard pauses and resumes',
      async () => {
        await workbench.openMenu();
        await page
          .locator('.quick-input-list .monaco-list-row', { hasText: 'Pause' })
          .waitFor({ timeout: windowLimitMs });
        await workbench.shot('07-menu');
        await page.keyboard.press('Enter');
        await workbench.meterThat(/FASA paused/, windowLimitMs);
        await workbench.shot('08-paused');
        await workbench.runCommand('FASA Code: Resume');
        return workbench.meterThat(/FASA (ready|[\d,.]+K? tokens)/);
      },
    ],
  ];
}

/** @returns {[string, () => Promise<unknown>][]} */
function lifeSteps(workbench, host, model) {
  const { page } = workbench;
  const serverProcesses = () => descendants(host.processId, /fasa-code[^ ]*\/dist\/server\.js/);
  return [
    [
      'the server is killed, the window says so once, and the server comes back',
      async () => {
        await workbench.goToEnd();
        const before = serverProcesses();
        assert.equal(before.length, 1, `one server process, not ${before.length}`);
        process.kill(before[0], 'SIGKILL');
        const toast = page.locator('.notification-toast', { hasText: 'language server ended unexpectedly' });
        await toast.waitFor({ timeout: windowLimitMs });
        await workbench.shot('09-server-killed');
        await workbench.meterThat(/FASA (ready|[\d,.]+K? tokens)/);
        // the item may still show what the killed one had said
        let after = serverProcesses();
        for (let tries = 0; tries < 50 && after.length !== 1; tries++) {
          await sleep(100);
          after = serverProcesses();
        }
        assert.equal(after.length, 1, `one server process, not ${after.length}`);
        assert.notEqual(after[0], before[0]);
        assert.equal(await toast.count(), 1, 'the message came more than once');
        await page.keyboard.press('Escape');
        await workbench.runCommand('Notifications: Clear All Notifications');
        await workbench.goToEnd();
        await workbench.type('\n\nvar http =');
        const ghost = await workbench.ghostText();
        await workbench.shot('10-server-back');
        await page.keyboard.press('Escape');
        return `process ${before[0]}, then ${after[0]}; ghost text ${JSON.stringify(ghost)}`;
      },
    ],
    [
      'the light theme shows ghost text and the tooltip as well',
      async () => {
        await workbench.changeTheme('vs');
        await workbench.goToEnd();
        await workbench.type('\n\nfunction parseSimpleQueryString(str) {\nreturn qs.');
        await workbench.ghostText();
        await workbench.openTooltip();
        await workbench.shot('11-light');
        await workbench.leaveMeter();
        await page.keyboard.press('Escape');
      },
    ],
    [
      'without a model the window says what to do, and typing goes on undisturbed',
      async () => {
        host.changeSettings({ 'fasa.modelPath': '', 'fasa.cacheFolder': path.join(host.folder, 'empty-cache') });
        await workbench.meterThat(/FASA no model/);
        await workbench.goToEnd();
        await workbench.type('\n// typed without a model\n');
        const tooltip = await workbench.openTooltip();
        const said = (await tooltip.innerText()).replace(/\s+/g, ' ');
        await workbench.shot('12-no-model-light');
        assert.match(said, /Download default model/);
        assert.match(said, /Choose model/);
        await workbench.leaveMeter();
        await workbench.openMenu();
        await page
          .locator('.quick-input-list .monaco-list-row', { hasText: 'Download default model' })
          .waitFor({ timeout: windowLimitMs });
        await workbench.shot('13-no-model-menu');
        // the list of models stands above it
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        const dialog = page.locator('.monaco-dialog-box', { hasText: 'Download the default model?' });
        await dialog.waitFor({ timeout: windowLimitMs });
        await workbench.shot('14-no-model-download');
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached', timeout: windowLimitMs });
        await workbench.changeTheme('vs-dark');
        await workbench.openTooltip();
        await workbench.shot('15-no-model-dark');
        await workbench.leaveMeter();
        assert.equal(await page.locator('.notification-toast').count(), 0, 'no notification');
        return said;
      },
    ],
    [
      'with the model again, it is ready again',
      async () => {
        host.changeSettings({ 'fasa.modelPath': model, 'fasa.cacheFolder': undefined });
        return workbench.meterThat(/FASA (ready|[\d,.]+K? tokens)/, modelLimitMs);
      },
    ],
  ];
}
