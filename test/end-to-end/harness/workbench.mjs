import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** For whatever waits for the model: machines with little to compute with run this. */
export const modelLimitMs = 180_000;
/** For whatever the window does by itself. */
export const windowLimitMs = 30_000;

/** What a person sees and does in one window. */
export class Workbench {
  /**
   * @param {import('playwright-core').Page} page
   * @param {string} shots folder of the screenshots
   */
  constructor(page, shots) {
    this.page = page;
    this.shots = shots;
    // The DOM id of a status item is the extension's id and the item's own.
    this.meter = page.locator('[id="fasa-code.fasa-code.status"]');
    this.editor = page.locator('.editor-instance .monaco-editor').first();
    this.ghost = this.editor.locator('.ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text');
  }

  async shot(name) {
    // What fades in is there by then.
    await this.page.waitForTimeout(500);
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`) });
  }

  /** A picture for the walkthrough, scripts/pictures.mjs takes it over. */
  async picture(name) {
    mkdirSync(path.join(this.shots, 'walkthrough'), { recursive: true });
    await this.page.waitForTimeout(500);
    await this.page.screenshot({ path: path.join(this.shots, 'walkthrough', `${name}.png`) });
  }

  async meterText() {
    return ((await this.meter.textContent()) ?? '').replaceAll('\u00a0', ' ').trim();
  }

  /** Waits until the meter's words match, and answers them. */
  async meterThat(pattern, timeout = modelLimitMs) {
    await this.meter.filter({ hasText: pattern }).waitFor({ timeout });
    return this.meterText();
  }

  /** Opens a file by its name, as Ctrl+P does. */
  async openFile(name) {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget input');
    await input.waitFor({ timeout: windowLimitMs });
    await input.fill(name);
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: path.basename(name) }).first();
    await row.waitFor({ timeout: windowLimitMs });
    // Enter would take the row that was on top when the key came, which a busy window has not sorted yet
    await row.click();
    await this.page.locator('.tab.active', { hasText: path.basename(name) }).waitFor({ timeout: windowLimitMs });
    await this.editor.locator('.view-lines').waitFor({ timeout: windowLimitMs });
  }

  /** Runs a command by its title in the palette. */
  async runCommand(title) {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input');
    await input.waitFor({ timeout: windowLimitMs });
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** Puts the cursor at the end of the file. */
  async goToEnd() {
    await this.editor.locator('.view-lines').click();
    await this.page.keyboard.press('Control+End');
  }

  async type(text) {
    await this.page.keyboard.type(text, { delay: 40 });
  }

  /**
   * Waits for ghost text and answers its first line. When the time budget of a request was over before
   * the model had read the file, it is asked again, as a person does with Alt+\.
   */
  async ghostText() {
    const deadline = Date.now() + modelLimitMs;
    for (;;) {
      try {
        await this.ghost.first().waitFor({ timeout: 10_000 });
        break;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        const busy = await this.meter.locator('.codicon-loading').count();
        if (busy === 0) await this.page.keyboard.press('Alt+Backslash');
      }
    }
    return this.ghostNow();
  }

  /** The ghost text at the cursor's line as it is now: the editor cuts it into a span for each kind of token. */
  async ghostNow() {
    const parts = await this.editor.locator('.view-line .ghost-text-decoration').allTextContents();
    return parts.join('').replaceAll('\u00a0', ' ');
  }

  /** Toggles between the light and the dark theme. `kind` is the class that the workbench has then. */
  async changeTheme(kind) {
    await this.runCommand('Preferences: Toggle between Light/Dark Themes');
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor({ timeout: windowLimitMs });
  }

  /** Accepted: no ghost text, or another one. */
  async ghostGoneOrOther(before) {
    const deadline = Date.now() + windowLimitMs;
    while ((await this.ghostNow()) === before && Date.now() < deadline) await this.page.waitForTimeout(100);
  }

  async ghostGone() {
    await this.ghost.first().waitFor({ state: 'detached', timeout: windowLimitMs });
  }

  /** Saves the file and reads it from the disk when it is no longer dirty. */
  async save(file) {
    await this.page.keyboard.press('Control+S');
    await this.page.locator('.tab.active.dirty').waitFor({ state: 'detached', timeout: windowLimitMs });
    return readFileSync(file, 'utf8');
  }

  /**
   * Hovers the meter; answers the tooltip. The editor drops a hover whose item gets a new text before it has opened, so
   * the pointer leaves and comes back, as a person's would.
   */
  async openTooltip() {
    const tooltip = this.page.locator('.monaco-hover', { hasText: 'FASA Code' }).first();
    const deadline = Date.now() + windowLimitMs;
    for (;;) {
      await this.meter.hover();
      const left = deadline - Date.now();
      try {
        await tooltip.waitFor({ timeout: Math.max(1, Math.min(4000, left)) });
        return tooltip;
      } catch (error) {
        if (left <= 4000) throw error;
        await this.movePointerAway();
      }
    }
  }

  /** A click on the meter opens the menu; the pointer goes, so that the tooltip stays closed. */
  async openMenu() {
    await this.meter.click();
    await this.leaveMeter();
  }

  async leaveMeter() {
    await this.movePointerAway();
    await this.page
      .locator('.monaco-hover', { hasText: 'FASA Code' })
      .waitFor({ state: 'hidden', timeout: windowLimitMs });
  }

  /** To the middle of the window, whatever its size. */
  async movePointerAway() {
    const { width, height } = this.page.viewportSize() ?? { width: 640, height: 400 };
    await this.page.mouse.move(width / 2, height / 2);
  }
}
