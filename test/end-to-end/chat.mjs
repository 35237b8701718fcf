// A person and the chat, in the packaged extension with the real model: asks, stops, asks again, mentions a file, opens a
// citation, takes code, applies changes and undoes them, restarts the window, measures in the dashboard. By keyboard and
// by mouse, in the light, the dark and a high contrast theme; axe looks at both webviews.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { out } from '../../scripts/lib/paths.mjs';
import { openWindow } from './harness/browser.mjs';
import { plantConversation, plantedTitle } from './harness/conversation.mjs';
import { EditorHost } from './harness/editor-host.mjs';
import { modelFile } from './harness/model.mjs';
import { placeRepository } from './harness/repository.mjs';
import { seriousViolations, webviewFrame } from './harness/webview.mjs';
import { modelLimitMs, Workbench, windowLimitMs } from './harness/workbench.mjs';

/** The meter of a window whose model is loaded, whatever it does with it. */
const loadedMeter = /FASA (ready|[\d,.]+K? of [\d,.]+K? files|[\d,.]+K? tokens?)/;
/** Themes, and the class that the workbench has in each. */
const themes = {
  'Light Modern': 'vs',
  'Dark Modern': 'vs-dark',
  'Default High Contrast': 'hc-black',
  'Default High Contrast Light': 'hc-light',
};
const shots = path.join(out, 'end-to-end', 'chat');

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./harness/record.mjs').Record} record
 * @param {string} vsix
 */
export async function runChat(browser, record, vsix) {
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const host = new EditorHost({
    logs: path.join(shots, 'logs'),
    vsix,
    // Little to encode: a slow machine is done with it in a minute.
    settings: {
      'fasa.modelPath': modelFile(),
      'fasa.completion.enabled': false,
      'fasa.repository.enabled': true,
      'fasa.repository.tokens': 4096,
    },
  });
  try {
    const folder = path.join(host.folder, 'express');
    await placeRepository(folder);
    await host.start();
    const chat = new ChatPerson(await openWindow(browser, host, { folder }), host, folder);
    for (const [name, work] of [
      ...askingSteps(chat),
      ...applyingSteps(chat),
      ...dashboardSteps(chat),
      ...nativeSteps(chat),
    ]) {
      const passed = await record.test(name, work);
      if (!passed) await chat.workbench.shot(`failed-${name.replace(/\W+/g, '-').slice(0, 60)}`);
    }
    await chat.page.context().close();
  } finally {
    await host.stop();
  }
}

class ChatPerson {
  constructor(page, host, folder) {
    this.page = page;
    this.host = host;
    this.folder = folder;
    this.file = path.join(folder, 'lib', 'utils.js');
    this.workbench = new Workbench(page, shots);
  }

  async open() {
    await this.workbench.runCommand('FASA Code: Open Chat');
    this.frame = await webviewFrame(this.page, '.composer');
    this.area = this.frame.locator('.composer textarea');
    // The caret comes last: what is opened before it would lose the focus again.
    await this.frame.waitForFunction(() => document.activeElement?.matches('.composer textarea') ?? false, undefined, {
      timeout: windowLimitMs,
    });
  }

  get lastTurn() {
    return this.frame.locator('.turn').last();
  }

  /** The answer of the last turn has ended; answers its text. */
  async answered() {
    await this.lastTurn.locator('.foot').waitFor({ timeout: modelLimitMs });
    return (await this.lastTurn.locator('.answer').innerText()).trim();
  }

  button(label, within = this.frame) {
    return within.locator(`vscode-toolbar-button[label="${label}"]`);
  }

  /** The text of the active editor, from the disk: saved first. */
  async savedText() {
    await this.page.keyboard.press('Control+S');
    await this.page.locator('.tab.active.dirty').waitFor({ state: 'detached', timeout: windowLimitMs });
    return readFileSync(this.file, 'utf8');
  }
}

/** @returns {[string, () => Promise<unknown>][]} */
function askingSteps(chat) {
  const { page, workbench } = chat;
  return [
    [
      'the chat opens beside the editor, with the current file as a chip and a meter of tokens',
      async () => {
        await workbench.openFile('utils.js');
        await workbench.meterThat(loadedMeter);
        await chat.open();
        await chat.frame.locator('.composer .chip', { hasText: 'lib/utils.js' }).waitFor({ timeout: windowLimitMs });
        const meter = chat.frame.locator('.meter summary');
        await meter.filter({ hasText: /[\d,]+ of [\d,]+ tokens/ }).waitFor({ timeout: modelLimitMs });
        await workbench.shot('01-open');
        return meter.innerText();
      },
    ],
    [
      'a chip is removed with the mouse, and a question asked with the keyboard streams its answer',
      async () => {
        await chat.frame.locator('.composer .chip .chip-remove').click();
        await chat.frame.locator('.composer .chip').waitFor({ state: 'detached', timeout: windowLimitMs });
        await chat.area.click();
        await workbench.type('Write a JavaScript function that adds two numbers.');
        await page.keyboard.press('Enter');
        const answer = chat.lastTurn.locator('.answer');
        const lengths = [];
        await answer.locator(':scope > *').first().waitFor({ timeout: modelLimitMs });
        while ((await chat.lastTurn.locator('.foot').count()) === 0) {
          lengths.push((await answer.innerText()).length);
          await page.waitForTimeout(100);
        }
        const text = await chat.answered();
        assert.ok(new Set(lengths).size > 2, `it grew: ${lengths.join(' ')}`);
        assert.match(text, /\w/);
        await workbench.shot('02-answer');
        return `${text.length} characters, seen at ${new Set(lengths).size} lengths`;
      },
    ],
    [
      'an answer is stopped with the mouse, keeps what is there, and is asked again',
      async () => {
        await chat.area.click();
        await workbench.type('Explain in detail how a web framework routes requests.');
        await page.keyboard.press('Enter');
        await chat.lastTurn.locator('.answer > *').first().waitFor({ timeout: modelLimitMs });
        await chat.button('Stop').click();
        await chat.lastTurn.locator('.turn-status', { hasText: 'Stopped.' }).waitFor({ timeout: windowLimitMs });
        const stopped = (await chat.lastTurn.locator('.answer').innerText()).trim();
        await workbench.shot('03-stopped');
        await chat.button('Ask again', chat.lastTurn).click();
        await chat.lastTurn
          .locator('.turn-status', { hasText: 'Stopped.' })
          .waitFor({ state: 'detached', timeout: windowLimitMs });
        await chat.lastTurn.locator('.answer > *').first().waitFor({ timeout: modelLimitMs });
        await chat.area.click();
        await page.keyboard.press('Escape');
        await chat.lastTurn.locator('.turn-status', { hasText: 'Stopped.' }).waitFor({ timeout: windowLimitMs });
        return `stopped after ${stopped.length} characters; the second time with Escape`;
      },
    ],
    [
      'a file is mentioned by the keyboard alone, and goes with the question',
      async () => {
        await chat.area.click();
        await workbench.type('What is this? @fi');
        await chat.frame.locator('.picker-item', { hasText: '@file' }).waitFor({ timeout: windowLimitMs });
        await page.keyboard.press('Enter');
        await workbench.type('view');
        await chat.frame.locator('.picker-item', { hasText: 'lib/view.js' }).waitFor({ timeout: windowLimitMs });
        await workbench.shot('04-mention');
        await page.keyboard.press('Enter');
        await chat.frame.locator('.composer .chip', { hasText: 'lib/view.js' }).waitFor({ timeout: windowLimitMs });
        await page.keyboard.press('Enter');
        await chat.lastTurn.locator('.question .chip', { hasText: 'lib/view.js' }).waitFor({ timeout: windowLimitMs });
        await chat.lastTurn.locator('.answer > *').first().waitFor({ timeout: modelLimitMs });
        const read = await chat.answered();
        return `${await chat.lastTurn.locator('.stats').innerText()}: ${JSON.stringify(read.slice(0, 60))}`;
      },
    ],
    [
      'the window restarts, and the conversation is there; others are found by their words',
      async () => {
        const asked = await chat.frame.locator('.question-text').allInnerTexts();
        plantConversation(chat.host, chat.folder);
        await page.reload();
        await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
        await workbench.meterThat(loadedMeter);
        await chat.open();
        await chat.frame.locator('.turn').first().waitFor({ timeout: windowLimitMs });
        assert.deepEqual(await chat.frame.locator('.question-text').allInnerTexts(), asked);
        await workbench.runCommand('FASA Code: Show Conversations');
        await chat.frame.locator('.conversation-title').nth(1).waitFor({ timeout: windowLimitMs });
        await chat.frame.locator('.conversations input[type=search]').fill('imports');
        await chat.frame.locator('.conversation-title', { hasText: plantedTitle }).waitFor({ timeout: windowLimitMs });
        await workbench.shot('05-conversations');
        const violations = await seriousViolations(page, chat.frame);
        await chat.frame.locator('.conversation-open', { hasText: plantedTitle }).click();
        await chat.frame.locator('.turn').nth(2).waitFor({ timeout: windowLimitMs });
        assert.deepEqual(violations, []);
        return `${asked.length} questions`;
      },
    ],
  ];
}

/** @returns {[string, () => Promise<unknown>][]} */
function applyingSteps(chat) {
  const { page, workbench } = chat;
  const turn = (index) => chat.frame.locator('.turn').nth(index);
  const toast = (text) => page.locator('.notification-toast', { hasText: text });
  const clearToasts = () => workbench.runCommand('Notifications: Clear All Notifications');
  return [
    [
      'a citation opens its file and marks the lines',
      async () => {
        await turn(1).locator('.citation').click();
        await page.locator('.tab.active', { hasText: 'view.js' }).waitFor({ timeout: windowLimitMs });
        const marked = page.locator('.editor-instance .view-overlays .cdr[class*="ced-"]');
        await marked.first().waitFor({ timeout: windowLimitMs });
        await workbench.shot('06-citation');
        return `${await marked.count()} lines marked`;
      },
    ],
    [
      'code goes to the cursor on a click, and one undo takes it back',
      async () => {
        await page.locator('.tab', { hasText: 'utils.js' }).click();
        await page.locator('.tab.active', { hasText: 'utils.js' }).waitFor({ timeout: windowLimitMs });
        const before = readFileSync(chat.file, 'utf8');
        await workbench.goToEnd();
        await chat.button('Insert at cursor', turn(0)).click();
        await page.locator('.tab.active.dirty').waitFor({ timeout: windowLimitMs });
        const inserted = await chat.savedText();
        assert.ok(inserted.includes('function planted() {\n  return 42;\n}'), inserted.slice(-200));
        await workbench.shot('07-inserted');
        await workbench.editor.locator('.view-lines').click();
        await page.keyboard.press('Control+Z');
        await page.locator('.tab.active.dirty').waitFor({ timeout: windowLimitMs });
        assert.equal(await chat.savedText(), before);
      },
    ],
    [
      'changes are reviewed in the diff editor, one accepted, then all, and undone',
      async () => {
        const before = readFileSync(chat.file, 'utf8');
        await chat.button('Review changes in a diff', turn(1)).click();
        await page.locator('.tab.active', { hasText: 'proposed changes' }).waitFor({ timeout: windowLimitMs });
        await page
          .locator('.editor.modified .view-line', { hasText: 'second change' })
          .waitFor({ timeout: windowLimitMs });
        await workbench.shot('08-diff');
        assert.equal(readFileSync(chat.file, 'utf8'), before, 'nothing is written by looking');
        await page.locator('.editor.modified .view-line', { hasText: 'second change' }).click();
        await page.keyboard.press('Alt+y');
        await page
          .locator('.editor.original .view-line', { hasText: 'second change' })
          .waitFor({ timeout: windowLimitMs });
        assert.equal(await page.locator('.editor.original .view-line', { hasText: 'first change' }).count(), 0);
        await workbench.shot('09-one-accepted');
        await page.locator('.editor-actions .action-label[aria-label^="Accept All Changes"]').click();
        await page
          .locator('.tab', { hasText: 'proposed changes' })
          .waitFor({ state: 'detached', timeout: windowLimitMs });
        await page.locator('.tab', { hasText: 'utils.js' }).click();
        await workbench.editor.locator('.view-lines').click();
        const after = await chat.savedText();
        assert.ok(after.includes('// first change') && after.includes('// second change'));
        await page.keyboard.press('Control+Z');
        const one = await chat.savedText();
        assert.ok(!one.includes('// first change') && one.includes('// second change'), 'one undo, one step');
        await page.keyboard.press('Control+Z');
        assert.equal(await chat.savedText(), before);
      },
    ],
    [
      'a hostile answer is words: nothing loads, a link asks first, a refused file says why',
      async () => {
        await turn(2).scrollIntoViewIfNeeded();
        const said = await turn(2).locator('.answer').innerText();
        assert.match(said, /\[image: x https:\/\/evil\.example/);
        assert.match(said, /U\+202E/);
        assert.equal(await chat.frame.locator('.answer img').count(), 0);
        await workbench.shot('10-hostile');
        await turn(2).locator('a.link').click();
        const dialog = page.locator('.monaco-dialog-box', { hasText: 'Open a link to evil.example?' });
        await dialog.waitFor({ timeout: windowLimitMs });
        await workbench.shot('11-link');
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached', timeout: windowLimitMs });
        await chat.button('Review changes in a diff', turn(2)).click();
        const refused = toast(/the files of git/);
        await refused.first().waitFor({ timeout: windowLimitMs });
        const words = await refused.first().innerText();
        await clearToasts();
        return words.replace(/\s+/g, ' ');
      },
    ],
  ];
}

/** @returns {[string, () => Promise<unknown>][]} */
function dashboardSteps(chat) {
  const { page, workbench } = chat;
  return [
    [
      'a question about the current file leaves something to measure',
      async () => {
        await workbench.runCommand('FASA Code: New Conversation');
        await chat.frame.locator('.turn').first().waitFor({ state: 'detached', timeout: windowLimitMs });
        await chat.area.click();
        await workbench.type('What does this file export?');
        await page.keyboard.press('Enter');
        const text = await chat.answered();
        const cited = await chat.lastTurn.locator('.citation').allInnerTexts();
        await workbench.shot('13-answer');
        assert.ok(
          cited.some((one) => one.includes('lib/utils.js')),
          `the file that was asked about is cited: ${cited}`,
        );
        return `${JSON.stringify(text.slice(0, 60))}; cited: ${cited.join(', ').replace(/\s+/g, ' ')}`;
      },
    ],
    [
      'the dashboard opens from the meter, lists the files, and measures',
      async () => {
        await workbench.openMenu();
        await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Open dashboard' }).click();
        chat.dashboard = await webviewFrame(page, '.tiles');
        await chat.dashboard.locator('th.path', { hasText: 'lib/utils.js' }).first().waitFor({ timeout: modelLimitMs });
        await chat.dashboard.locator('vscode-button', { hasText: 'Measure now' }).click();
        const fidelity = chat.dashboard.locator('.tile', { hasText: 'Fidelity' });
        await fidelity.filter({ hasText: /% agree/ }).waitFor({ timeout: modelLimitMs });
        await workbench.shot('14-dashboard');
        return (await chat.dashboard.locator('.tiles').innerText()).replace(/\s+/g, ' ');
      },
    ],
    [
      'chat and dashboard are whole in the light theme, the dark one and high contrast',
      async () => {
        const found = [];
        for (const [theme, kind] of Object.entries(themes)) {
          chat.host.changeSettings({ 'workbench.colorTheme': theme });
          await page.reload();
          await page.locator(`.monaco-workbench.${kind}`).waitFor({ timeout: 60_000 });
          await workbench.meterThat(loadedMeter);
          await chat.open();
          await chat.frame.locator('.turn .foot').first().waitFor({ timeout: windowLimitMs });
          await workbench.runCommand('FASA Code: Open Dashboard');
          const dashboard = await webviewFrame(page, '.tiles .tile');
          await dashboard.locator('th.path').first().waitFor({ timeout: windowLimitMs });
          await workbench.shot(`15-${theme.toLowerCase().replaceAll(' ', '-')}`);
          for (const frame of [chat.frame, dashboard]) {
            found.push(...(await seriousViolations(page, frame)).map((line) => `${theme}: ${line}`));
          }
        }
        assert.deepEqual(found, []);
      },
    ],
  ];
}

/** @returns {[string, () => Promise<unknown>][]} */
function nativeSteps(chat) {
  const { page, workbench } = chat;
  return [
    [
      "@fasa answers in the editor's own chat, with no account",
      async () => {
        chat.host.changeSettings({ 'chat.disableAIFeatures': false });
        await page.reload();
        await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
        await workbench.meterThat(loadedMeter);
        await workbench.runCommand('Chat: Open Chat');
        const input = page.locator('.interactive-session .interactive-input-part .monaco-editor').first();
        await input.waitFor({ timeout: windowLimitMs });
        await input.click();
        await workbench.type('@fasa What is the capital of France?');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Enter');
        const answer = page.locator('.interactive-session .interactive-response').last();
        // what the small model says depends on how much of the repository it has to read by then
        // with nothing to read it knows the capital; with files to read it may say anything, and its sources follow
        const words = /Paris|France|Sources/;
        await answer.filter({ hasText: words }).waitFor({ timeout: modelLimitMs });
        await workbench.shot('16-native-chat');
        const said = (await answer.innerText()).replace(/\s+/g, ' ');
        assert.match(said, /FASA Code/);
        assert.doesNotMatch(said, /The model returned no answer|failed|not ready/i);
        return said.slice(0, 120);
      },
    ],
  ];
}
