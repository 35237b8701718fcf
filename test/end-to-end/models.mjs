// From no model to one's own: every face leads to the list of models, one of a hub on this machine is downloaded, paused,
// gone on with and used, and one of a folder of the user's is chosen. A screenshot of every step, in both themes.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { out, root } from '../../scripts/lib/paths.mjs';
import { openWindow } from './harness/browser.mjs';
import { EditorHost } from './harness/editor-host.mjs';
import { modelFile } from './harness/model.mjs';
import { webviewFrame } from './harness/webview.mjs';
import { modelLimitMs, Workbench, windowLimitMs } from './harness/workbench.mjs';

const shots = path.join(out, 'end-to-end');
const repository = 'owner/tiny-code-GGUF';
const name = 'tiny-code-135M-q4_1.gguf';
const url = `/${repository}/resolve/main/${name}`;

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness/record.mjs').Record} record
 * @param {string} vsix
 */
export async function runModels(browser, record, vsix) {
  mkdirSync(shots, { recursive: true });
  const logs = path.join(shots, 'models');
  rmSync(logs, { recursive: true, force: true });
  const host = new EditorHost({ logs, vsix, env: { OLLAMA_MODELS: '/nowhere', HF_HOME: '/nowhere' } });
  const hub = await startHub();
  try {
    const bytes = readFileSync(modelFile());
    hub.put(`${repository}/${name}`, bytes);
    const folder = path.join(host.folder, 'work');
    const own = path.join(host.folder, 'own models');
    for (const one of [folder, own]) mkdirSync(one);
    copyFileSync(modelFile(), path.join(own, 'mine.gguf'));
    host.changeSettings({
      'fasa.cacheFolder': path.join(host.folder, 'cache'),
      'fasa.models.mirror': hub.endpoint,
      'fasa.models.folders': [own],
    });
    const started = await record.test('the packaged extension installs and VS Code starts', () => host.start());
    if (!started) return;
    const page = await openWindow(browser, host, { folder });
    const workbench = new Workbench(page, shots);
    for (const [title, work] of steps({ page, workbench, host, hub, own })) {
      const passed = await record.test(title, work);
      if (!passed) await workbench.shot(`failed-${title.replace(/\W+/g, '-').slice(0, 60)}`);
    }
    await page.context().close();
  } finally {
    await host.stop();
    await hub.close();
  }
}

/** @returns {Promise<import('../unit/models/hub-server').TestHub>} the hub of the tests of downloads */
async function startHub() {
  const outfile = path.join(out, 'end-to-end', 'hub-server.mjs');
  const entry = path.join(root, 'test', 'unit', 'models', 'hub-server.ts');
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' });
  return (await import(outfile)).startHub();
}

/** @returns {[string, () => Promise<unknown>][]} */
function steps({ page, workbench, host, hub, own }) {
  const rows = (text) => page.locator('.quick-input-list .monaco-list-row', { hasText: text });
  const toast = (text) => page.locator('.notification-toast', { hasText: text });
  const file = path.join(host.folder, 'cache', 'models', ...repository.split('/'), name);
  const appears = (locator) => locator.first().waitFor({ timeout: windowLimitMs });
  const openList = async () => {
    // further down, rows are made when they are scrolled to
    const row = rows('Find out which of these fit').first();
    await workbench.runCommand('FASA Code: Choose Model…');
    const isOpen = await row.waitFor({ timeout: 5000 }).then(
      () => true,
      () => false,
    );
    if (!isOpen) {
      // once of four runs the list was not there when a notification came just then: why is not known
      await workbench.runCommand('FASA Code: Choose Model…');
      await row.waitFor({ timeout: windowLimitMs });
    }
  };
  return [
    [
      'without a model, chat and dashboard have a button that opens the list of models',
      async () => {
        await workbench.meterThat(/FASA no model/);
        await workbench.runCommand('FASA Code: Open Dashboard');
        const dashboard = await webviewFrame(page, 'dl.tiles');
        await dashboard.locator('vscode-button', { hasText: 'Choose a model' }).waitFor({ timeout: windowLimitMs });
        await workbench.runCommand('FASA Code: Open Chat');
        const chat = await webviewFrame(page, '.composer');
        const button = chat.locator('vscode-button', { hasText: 'Choose a Model' });
        await button.waitFor({ timeout: windowLimitMs });
        await workbench.shot('models-01-empty-dark');
        await button.click();
        await appears(rows('Find out which of these fit'));
        await workbench.shot('models-02-list-dark');
        await page.keyboard.press('Escape');
        // a key that is pressed in a webview may come when the window has the focus again
        await page.locator('.part.titlebar').click();
        await workbench.changeTheme('vs');
        await openList();
        await workbench.shot('models-03-list-light');
        await page.keyboard.press('Escape');
        await workbench.changeTheme('vs-dark');
      },
    ],
    [
      'OWNER/REPOSITORY that is typed is looked up, and its download shows how it goes everywhere',
      async () => {
        await openList();
        await page.keyboard.type(repository, { delay: 20 });
        await appears(rows(`Look up ${repository}`));
        await workbench.shot('models-04-typed');
        await rows(`Look up ${repository}`).first().click();
        await appears(rows('Download'));
        await workbench.shot('models-05-looked-up');
        // slow enough to be seen and paused
        hub.always(url, { kind: 'drip', bytes: 1 << 20, ms: 300 });
        await page.keyboard.press('Enter');
        await appears(toast('Downloading'));
        const said = await workbench.meterThat(/FASA downloading [1-9]\d* %/);
        await workbench.shot('models-06-downloading-dark');
        await openList();
        await appears(rows('Choose it to pause'));
        await workbench.shot('models-07-downloading-list');
        return said;
      },
    ],
    [
      'choosing the download pauses it, and it goes on where it was',
      async () => {
        await rows('Choose it to pause').first().click();
        await appears(toast('is paused. What is here is kept.'));
        assert.ok(existsSync(`${file}.part`), 'what was downloaded is kept');
        await workbench.shot('models-08-paused');
        await openList();
        await appears(rows('paused,'));
        await workbench.shot('models-09-paused-list');
        hub.always(url, { kind: 'drip', bytes: 1 << 22, ms: 10 });
        await rows('paused,').first().click();
        const said = await workbench.meterThat(/FASA (ready|[\d,.]+K? tokens)/, modelLimitMs);
        assert.match(hub.seen.at(-1)?.range ?? '', /^bytes=[1-9]\d*-$/);
        assert.ok(existsSync(file), 'the model has its name');
        await workbench.shot('models-10-used');
        return said;
      },
    ],
    [
      'a model of a folder of the user is chosen, without a reload of the window',
      async () => {
        await workbench.runCommand('Notifications: Clear All Notifications');
        await openList();
        await appears(rows('in use'));
        await workbench.shot('models-11-in-use-dark');
        await rows('Folder').first().click();
        const settings = path.join(host.folder, 'ud', 'Machine', 'settings.json');
        const deadline = Date.now() + windowLimitMs;
        while (!readFileSync(settings, 'utf8').includes(path.join(own, 'mine.gguf'))) {
          assert.ok(Date.now() < deadline, 'the setting of the machine names the file');
          await page.waitForTimeout(100);
        }
        const said = await workbench.meterThat(/FASA (ready|[\d,.]+K? tokens)/, modelLimitMs);
        await openList();
        await appears(rows('in use').filter({ hasText: 'Folder' }));
        await workbench.shot('models-12-own-in-use');
        await page.keyboard.press('Escape');
        return said;
      },
    ],
    [
      'the keyboard alone removes the downloaded one, after a question',
      async () => {
        await openList();
        await page.keyboard.type('Remove a model', { delay: 20 });
        await appears(rows('Remove a model, or show its file'));
        await page.keyboard.press('Enter');
        await appears(rows('Remove').filter({ hasText: repository }));
        await workbench.shot('models-13-manage');
        await page.keyboard.press('Enter');
        const dialog = page.locator('.monaco-dialog-box', { hasText: 'Remove' });
        await dialog.waitFor({ timeout: windowLimitMs });
        await workbench.shot('models-14-remove');
        await page.keyboard.press('Enter');
        await dialog.waitFor({ state: 'detached', timeout: windowLimitMs });
        const deadline = Date.now() + windowLimitMs;
        while (existsSync(file)) {
          assert.ok(Date.now() < deadline, `${file} is removed`);
          await page.waitForTimeout(100);
        }
      },
    ],
  ];
}
