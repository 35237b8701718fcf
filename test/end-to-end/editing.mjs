// Inline completions as a person meets them: four languages in one workspace, typing along, undo, the list of suggestions
// open at the same time, a notebook, a file of 20,000 lines, a folder that is not trusted, high contrast and 200 % zoom,
// the walkthrough, and rest. A screenshot of every step.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { out } from '../../scripts/lib/paths.mjs';
import { openWindow } from './harness/browser.mjs';
import { EditorHost } from './harness/editor-host.mjs';
import { modelFile } from './harness/model.mjs';
import { placePackages } from './harness/packages.mjs';
import { cpuShareAtRest } from './harness/rest.mjs';
import { Workbench, windowLimitMs } from './harness/workbench.mjs';

const shots = path.join(out, 'end-to-end', 'editing');

/** What a person types at the end of a file of each language. */
const typed = {
  typescript: '\nexport function isEmpty(list: string[]): boolean {\nreturn list.',
  python: '\n\ndef first_of(values):\nreturn values',
  go: '\n\nfunc firstOf(list []string) string {\nreturn list',
  rust: '\n\npub fn is_empty(list: &[u8]) -> bool {\nlist.',
};

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness/record.mjs').Record} record
 * @param {string} vsix
 */
export async function runEditing(browser, record, vsix) {
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const host = new EditorHost({
    logs: path.join(shots, 'logs'),
    vsix,
    settings: { 'fasa.modelPath': modelFile(), 'security.workspace.trust.enabled': true, ...untrustedQuietly },
    trust: true,
  });
  try {
    const placed = await placePackages(host.folder);
    const files = makeFiles(host.folder);
    if (!(await record.test('VS Code starts with the packaged extension', () => host.start()))) return;
    for (const steps of [trustedSteps, untrustedSteps, themeSteps, zoomSteps])
      await steps(browser, record, host, placed, files);
  } finally {
    await host.stop();
  }
}

/** No question in front of the window: it opens in Restricted Mode, and says so. */
const untrustedQuietly = {
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'security.workspace.trust.emptyWindow': true,
};

function makeFiles(folder) {
  const own = path.join(folder, 'own');
  mkdirSync(own, { recursive: true });
  const large = path.join(own, 'large.js');
  const notebook = path.join(own, 'book.ipynb');
  const body = 'export function step(value) {\n  const next = value + 1;\n  return next;\n}\n';
  writeFileSync(large, body.repeat(5000));
  const cell = (source) => ({ cell_type: 'code', metadata: {}, execution_count: null, outputs: [], source: [source] });
  const cells = [cell('import math\nradius = 2'), cell('area = math.pi * radius ** 2')];
  const kernel = { kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' } };
  const metadata = { ...kernel, language_info: { name: 'python' } };
  writeFileSync(notebook, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, null, 1));
  return { own, large, notebook };
}

/** Runs steps by name; one that fails leaves a picture, and the next still runs. */
async function runSteps(record, workbench, steps) {
  for (const [name, work] of steps) {
    const passed = await record.test(name, work);
    if (!passed) await workbench.shot(`failed-${name.replace(/\W+/g, '-').slice(0, 60)}`);
    await workbench.page.keyboard.press('Escape');
  }
}

async function trustedSteps(browser, record, host, placed, files) {
  host.changeSettings({ 'security.workspace.trust.enabled': false });
  const workspace = path.join(host.folder, 'all.code-workspace');
  const folders = [...Object.values(placed).map(({ folder }) => folder), files.own].map((folder) => ({ path: folder }));
  writeFileSync(workspace, JSON.stringify({ folders, settings: {} }));
  const page = await openWindow(browser, host, { workspace });
  const workbench = new Workbench(page, shots);
  /** @type {[string, () => Promise<unknown>][]} */
  const steps = [
    ...Object.entries(placed).map(([language, place]) => languageStep(workbench, language, place)),
    ...typingSteps(workbench, placed),
    largeFileStep(workbench, files),
    notebookStep(workbench),
    ...lookSteps(workbench),
    [
      'no notification came from all the typing',
      async () => assert.equal(await page.locator('.notification-toast').count(), 0),
    ],
    [
      'at rest, server and extension host take next to nothing',
      async () => {
        const shares = await cpuShareAtRest(host.processId, 60_000);
        // 0.5 % of a core is what we want; on a machine that others use as well, far more shows that something goes on
        for (const { what, share } of shares) assert.ok(share < 0.1, `${what}: ${(share * 100).toFixed(2)} %`);
        assert.equal(shares.length, 2, 'both processes were found');
        return shares.map(({ what, share }) => `${what} ${(share * 100).toFixed(2)} %`).join(', ');
      },
    ],
  ];
  await runSteps(record, workbench, steps);
  await page.context().close();
}

/** @returns {[string, () => Promise<unknown>]} */
function languageStep(workbench, language, { file, ofTheWorld }) {
  return [
    `ghost text in a ${language} file of ${ofTheWorld ? 'a real repository' : 'our own'}, accepted and undone`,
    async () => {
      const { page } = workbench;
      await workbench.openFile(path.basename(file));
      await workbench.goToEnd();
      await workbench.type(typed[language]);
      const ghost = await workbench.ghostText();
      await workbench.shot(`language-${language}`);
      assert.match(ghost, /\S/);
      assert.doesNotMatch(ghost, /<\||\ufffd/, 'no special tokens, no broken characters');
      const before = await workbench.save(file);
      const again = await workbench.ghostText();
      await page.keyboard.press('Tab');
      await workbench.ghostGoneOrOther(again);
      const accepted = await workbench.save(file);
      assert.ok(
        accepted.length > before.length && accepted.includes(again.trim()),
        JSON.stringify(accepted.slice(-200)),
      );
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+Z');
      assert.equal(await workbench.save(file), before, 'one undo takes the suggestion back, and nothing else');
      return JSON.stringify(again);
    },
  ];
}

/** @returns {[string, () => Promise<unknown>][]} */
function typingSteps(workbench, { typescript, python }) {
  const { page } = workbench;
  return [
    [
      'typing along a suggestion keeps the rest of it, and backspace brings it back',
      async () => {
        await workbench.openFile(path.basename(typescript.file));
        await workbench.goToEnd();
        await workbench.type('\n\nexport const half = (value: number) => Math.');
        const ghost = await workbench.ghostText();
        await page.keyboard.type(ghost[0] ?? '');
        await expectGhost(workbench, ghost.slice(1));
        await page.keyboard.press('Backspace');
        await expectGhost(workbench, ghost);
        await workbench.shot('typing-along');
        return JSON.stringify(ghost);
      },
    ],
    [
      'the list of suggestions may be open at the same time',
      async () => {
        await workbench.openFile(path.basename(python.file));
        await workbench.goToEnd();
        await workbench.type('\n\nvalues = [1, 2, 3]\nval');
        await page.keyboard.press('Control+Space');
        const list = page.locator('.suggest-widget.visible .monaco-list-row');
        await list.first().waitFor({ timeout: windowLimitMs });
        await page.waitForTimeout(3000);
        await workbench.shot('list-open');
        const selected = (await page.locator('.suggest-widget.visible .monaco-list-row.focused').innerText()).trim();
        await page.keyboard.press('Enter');
        await page.locator('.suggest-widget.visible').waitFor({ state: 'hidden', timeout: windowLimitMs });
        const last = (await workbench.save(python.file)).trimEnd().split('\n').at(-1) ?? '';
        assert.equal(last.trim(), selected, 'Enter takes the item of the list');
        return JSON.stringify(selected);
      },
    ],
    [
      'Alt+] shows another suggestion on request',
      async () => {
        await workbench.goToEnd();
        await workbench.type('\nnumbers = ');
        const first = await workbench.ghostText();
        await page.keyboard.press('Alt+BracketRight');
        await page.waitForTimeout(8000);
        const second = await workbench.ghostNow();
        await workbench.shot('another');
        return JSON.stringify([first, second]);
      },
    ],
  ];
}

/** @returns {[string, () => Promise<unknown>]} */
function largeFileStep(workbench, { large }) {
  return [
    'a file of 20,000 lines gets ghost text, and typing in it is not held up',
    async () => {
      await workbench.openFile(path.basename(large));
      await workbench.goToEnd();
      const started = Date.now();
      await workbench.type('\nexport function twice(value) {\nreturn value');
      const perKey = (Date.now() - started) / 44;
      const ghost = await workbench.ghostText();
      await workbench.shot('large-file');
      return `${perKey.toFixed(0)} ms for each key, ${JSON.stringify(ghost)}`;
    },
  ];
}

/** @returns {[string, () => Promise<unknown>]} */
function notebookStep(workbench) {
  const { page } = workbench;
  return [
    'a cell of a notebook gets ghost text that knows the cells above it',
    async () => {
      await page.keyboard.press('Control+P');
      await page.locator('.quick-input-widget input').fill('book.ipynb');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'book.ipynb' }).first().waitFor();
      await page.keyboard.press('Enter');
      const cell = page.locator('.notebookOverlay .cell-editor-container .monaco-editor').last();
      await cell.waitFor({ timeout: windowLimitMs });
      await cell.click();
      await page.keyboard.press('Control+End');
      await page.keyboard.type('\ncircumference = 2 * math.', { delay: 40 });
      const ghost = page.locator('.notebookOverlay .ghost-text-decoration, .notebookOverlay .ghost-text').first();
      for (let tries = 0; tries < 12 && (await ghost.count()) === 0; tries++) {
        await page.waitForTimeout(3000);
        if ((await ghost.count()) === 0) await page.keyboard.press('Alt+Backslash');
      }
      await ghost.waitFor({ timeout: 5000 });
      const said = await ghost.innerText();
      await workbench.shot('notebook');
      return JSON.stringify(said);
    },
  ];
}

/** As the picker names them, and the class of the window that has them. */
const themes = {
  dark: { theme: 'Dark Modern', kind: 'vs-dark' },
  light: { theme: 'Light Modern', kind: 'vs' },
  contrast: { theme: 'Default High Contrast', kind: 'hc-black' },
  'light-contrast': { theme: 'Default High Contrast Light', kind: 'hc-light' },
};

/** A window of its own for each theme, with pictures to look at; those of the walkthrough are made here. */
async function themeSteps(browser, record, host, { typescript }) {
  for (const [name, { theme, kind }] of Object.entries(themes)) {
    host.changeSettings({ 'workbench.colorTheme': theme });
    const page = await openWindow(browser, host, { folder: typescript.folder });
    const workbench = new Workbench(page, shots);
    await runSteps(record, workbench, [
      [
        `the editor and the tooltip have the colours of ${theme}`,
        async () => {
          await page.locator(`.monaco-workbench.${kind}`).waitFor({ timeout: windowLimitMs });
          await workbench.openFile(path.basename(typescript.file));
          await workbench.goToEnd();
          // what the model says here is not the point: whatever it is stands in the picture
          await workbench.type('\n\nexport const half = (value: number) => Math.');
          await page.waitForTimeout(4000);
          await workbench.shot(`theme-${name}-ghost`);
          if (name === 'dark') await workbench.picture('type');
          await workbench.openTooltip();
          await workbench.shot(`theme-${name}-tooltip`);
          if (name === 'dark') await workbench.picture('meter');
        },
      ],
    ]);
    await page.context().close();
  }
}

/** @returns {[string, () => Promise<unknown>][]} */
function lookSteps(workbench) {
  const { page } = workbench;
  return [
    [
      'the meter has a name and a role for a screen reader',
      async () => {
        const entry = workbench.meter.locator('[role="button"]');
        const label = (await entry.getAttribute('aria-label')) ?? '';
        assert.match(label, /^FASA Code: /);
        return label;
      },
    ],
    [
      'the settings are found by the name of the extension, and the walkthrough opens',
      async () => {
        await workbench.runCommand('FASA Code: Open Settings');
        await page.locator('.settings-editor .setting-item-title').first().waitFor({ timeout: windowLimitMs });
        await page.waitForTimeout(1500);
        await workbench.shot('settings');
        await workbench.picture('settings');
        // the settings lie over the window
        await page.keyboard.press('Escape');
        await page.locator('.settings-editor').waitFor({ state: 'hidden', timeout: windowLimitMs });
        await workbench.runCommand('Welcome: Open Walkthrough...');
        const row = page.locator('.quick-input-list .monaco-list-row', { hasText: 'FASA Code' }).first();
        await row.waitFor({ timeout: windowLimitMs });
        await row.click();
        await page
          .locator('.getting-started-step', { hasText: 'Get a model' })
          .first()
          .waitFor({ timeout: windowLimitMs });
        await workbench.shot('walkthrough');
      },
    ],
    [
      'the keyboard opens the menu',
      async () => {
        await page.keyboard.press('Control+K');
        await page.keyboard.press('Control+Alt+M');
        await page
          .locator('.quick-input-list .monaco-list-row', { hasText: 'Pause' })
          .waitFor({ timeout: windowLimitMs });
        await workbench.picture('menu');
      },
    ],
  ];
}

/** A folder that the user has not trusted: completions of the open file, and an honest word about it. */
async function untrustedSteps(browser, record, host, { rust }) {
  host.changeSettings({ 'security.workspace.trust.enabled': true });
  const page = await openWindow(browser, host, { folder: rust.folder });
  const workbench = new Workbench(page, shots);
  await runSteps(record, workbench, [
    [
      'a folder that is not trusted gets ghost text from the open file alone',
      async () => {
        await page
          .locator('.statusbar-item', { hasText: 'Restricted Mode' })
          .first()
          .waitFor({ timeout: windowLimitMs });
        await workbench.openFile(path.basename(rust.file));
        await workbench.goToEnd();
        await workbench.type('\npub fn first(list: &[u8]) -> u8 {\nlist');
        const ghost = await workbench.ghostText();
        await workbench.shot('untrusted');
        return JSON.stringify(ghost);
      },
    ],
  ]);
  await page.context().close();
  host.changeSettings({ 'security.workspace.trust.enabled': false });
}

/** What a browser's zoom of 200 % does: half as many points in each direction. */
async function zoomSteps(browser, record, host, { go }) {
  const page = await openWindow(browser, host, { folder: go.folder, viewport: { width: 640, height: 400 }, scale: 2 });
  const workbench = new Workbench(page, shots);
  await runSteps(record, workbench, [
    [
      'at 200 % zoom the meter and its tooltip are still there to read',
      async () => {
        await workbench.meterThat(/FASA/);
        const tooltip = await workbench.openTooltip();
        await workbench.shot('zoom-200');
        const [box, meter] = [await tooltip.boundingBox(), await workbench.meter.boundingBox()];
        assert.ok(box && meter && box.x >= 0 && box.y >= 0 && box.x + box.width <= 640, JSON.stringify(box));
      },
    ],
  ]);
  await page.context().close();
}

async function expectGhost(workbench, wanted) {
  const deadline = Date.now() + windowLimitMs;
  for (;;) {
    const now = await workbench.ghostNow();
    if (now === wanted) return;
    assert.ok(Date.now() < deadline, `the ghost text is ${JSON.stringify(now)}, not ${JSON.stringify(wanted)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
